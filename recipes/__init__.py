"""From a Hugging Face checkpoint to streamed tokens: each module is the home of one noun of that way."""

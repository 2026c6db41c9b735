"""An OpenAI-compatible endpoint in front of a served model: HTTP and server-sent events outside, Triton's gRPC inside.

`requests` reads what a client asks, `triton` streams the answer, `answers` writes it, `gateway` is the application.
"""

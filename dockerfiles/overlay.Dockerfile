# What the recipes need, at the same paths in every image, whatever NVIDIA's image of that release carries or lacks:
# the model templates, upstream's tools and launch script, TensorRT-LLM's examples (environment/image_layout.py), and the
# probe. All of it comes from exactly the commits the release pins. Works with BuildKit and with the classic builder.
ARG BASE
FROM ${BASE}

COPY upstream /opt/trtllm/upstream
COPY probe.py /opt/trtllm/probe.py

# Triton needs no root. What Hugging Face and Triton cache goes where this user, or any other of --user, may write.
ENV HOME=/tmp
USER 1000:1000

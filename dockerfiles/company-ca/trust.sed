# Edits a Dockerfile so that whatever its RUN lines fetch with is content with a company's CA, and the image knows nothing
# of it: the CA is a BuildKit secret, there while a line runs and in no layer; the variables are arguments, in no image's
# environment. Not over /etc/ssl/certs: installing ca-certificates would then fail. Readable for all: apt fetches as _apt.
s|^RUN |RUN --mount=type=secret,id=ca,mode=0444 --mount=type=secret,id=ca-apt,mode=0444 --mount=type=secret,id=ca-wget,mode=0444 |
/^FROM /a\
ARG SSL_CERT_FILE=/run/secrets/ca\
ARG CURL_CA_BUNDLE=/run/secrets/ca\
ARG PIP_CERT=/run/secrets/ca\
ARG REQUESTS_CA_BUNDLE=/run/secrets/ca\
ARG GIT_SSL_CAINFO=/run/secrets/ca\
ARG CARGO_HTTP_CAINFO=/run/secrets/ca\
ARG NODE_EXTRA_CA_CERTS=/run/secrets/ca\
ARG APT_CONFIG=/run/secrets/ca-apt\
ARG WGETRC=/run/secrets/ca-wget

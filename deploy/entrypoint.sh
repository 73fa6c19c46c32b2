#!/bin/sh
# numba writes where it reads, and the image is read-only: the kernels compiled with the image are copied first. On
# another kind of processor than the one they were compiled on they are compiled again, which takes about a minute.
set -eu
if [ ! -e "$NUMBA_CACHE_DIR" ]; then
    cp -R /opt/maritime/kernels "$NUMBA_CACHE_DIR"
fi
exec "$@"

#!/bin/sh
# Plays the controller's transcripts; BN_UPDATE=1 rewrites them.
exec tests/script/runner "${srcdir:-.}"/tests/script/controller_*.txt

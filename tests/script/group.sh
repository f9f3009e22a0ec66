#!/bin/sh
# Plays the groups' transcripts, and fails unless they play every event in every state; BN_UPDATE=1 rewrites them.
exec tests/script/group_runner --all "${srcdir:-.}"/tests/script/group_*.txt

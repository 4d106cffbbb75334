#!/usr/bin/env bash
# Moves a guest from one QEMU to another over their QMP sockets, written with QEMU's documentation alone.
#   two-qemus.sh SOURCE FIRST FIRST_URI SECOND SECOND_URI
# SOURCE, FIRST, SECOND: QMP sockets. FIRST and SECOND were started with -incoming URI. The move to FIRST is cancelled half-way,
# the one to SECOND waits before its switchover and then goes through. Prints what happened, without figures.
set -euo pipefail
fifos=$(mktemp -d)
trap 'rm -rf "$fifos"; kill $(jobs -p) 2> /dev/null || true' EXIT
declare -A to from seen

fail() { echo "FAILED: $*"; exit 1; }

# open NAME SOCKET
open() {
    local line in out
    mkfifo "$fifos/$1.to" "$fifos/$1.from"
    socat - "UNIX-CONNECT:$2" < "$fifos/$1.to" > "$fifos/$1.from" 2> /dev/null &
    exec {in}> "$fifos/$1.to" {out}< "$fifos/$1.from"
    to[$1]=$in from[$1]=$out seen[$1]=
    IFS= read -r -t 20 line <&"$out" || fail "$1 does not greet"
    [[ $line == '{"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}'*'"capabilities": ["oob"]}}'* ]] || fail "greeting of $1: $line"
    ask "$1" '{"execute": "qmp_capabilities"}'
}

# hear NAME: the next line, kept if it is an event
hear() {
    IFS= read -r -t 20 line <&"${from[$1]}" || fail "$1 says nothing more"
    line=${line%$'\r'}
    case $line in
        *'"event": "MIGRATION_PASS"'*) ;;
        *'"event": "MIGRATION"'*) line=${line##*'"status": "'}; seen[$1]+=" ${line%%\"*}" ;;
        *'"event": "'*) line=${line##*'"event": "'}; seen[$1]+=" ${line%%\"*}" ;;
        *) return 1 ;;
    esac
}

# ask NAME REQUEST: the answer is in $line
ask() {
    echo "$2" >&"${to[$1]}"
    while hear "$1"; do :; done
    [[ $line == *'"return"'* ]] || fail "$1, $2: $line"
}

# refused NAME REQUEST TEXT
refused() {
    echo "$2" >&"${to[$1]}"
    while hear "$1"; do :; done
    [[ $line == *'"error"'*"\"desc\": \"$3\""* ]] || fail "$1, $2: expected \"$3\", got $line"
}

# await NAME EVENT, and tell all up to it
await() {
    until [[ " ${seen[$1]} " == *" $2 "* ]]; do hear "$1" || fail "$1: $line"; done
    echo "$1:${seen[$1]}"
    seen[$1]=
}

# poll NAME PATTERN: until query-migrate says so
poll() {
    for _ in {1..400}; do
        ask "$1" '{"execute": "query-migrate"}'
        # shellcheck disable=SC2053
        [[ $line == $2 ]] && return
        sleep 0.02
    done
    fail "$1: no $2 in $line"
}

capability() { ask "$1" '{"execute": "migrate-set-capabilities", "arguments": {"capabilities": [{"capability": "'"$2"'", "state": '"$3"'}]}}'; }

# status NAME RUNSTATE: it may follow the event a little later
status() {
    for _ in {1..100}; do
        ask "$1" '{"execute": "query-status"}'
        [[ $line == *'"status": "'"$2"'"'* ]] && { echo "$1 is $2"; return; }
        sleep 0.02
    done
    fail "$1 is $line, not $2"
}

open source "$1"
open first "$2"
for monitor in source first; do capability $monitor events true; capability $monitor return-path true; done
capability source pause-before-switchover true
ask source '{"execute": "migrate-set-parameters", "arguments": {"max-bandwidth": 1048576, "downtime-limit": 10}}'
ask source '{"execute": "query-migrate-parameters"}'
[[ $line == *'"max-bandwidth": 1048576'* && $line == *'"downtime-limit": 10'* ]] || fail "parameters: $line"
status source running

ask source '{"execute": "migrate", "arguments": {"uri": "'"$3"'"}}'
await source active
poll source '*"status": "active"*'
poll source '*"transferred": [1-9]*'
refused source '{"execute": "migrate", "arguments": {"uri": "'"$3"'"}}' "There's a migration process in progress"
refused source '{"execute": "migrate-continue", "arguments": {"state": "pre-switchover"}}' "Migration not in expected state: active"
await first active
ask source '{"execute": "migrate_cancel"}'
await source cancelled
poll source '*"status": "cancelled"*'
status source running
await first failed

open second "$4"
capability second events true
capability second return-path true
ask source '{"execute": "migrate-set-parameters", "arguments": {"max-bandwidth": 0, "downtime-limit": 2000}}'
ask source '{"execute": "migrate", "arguments": {"uri": "'"$5"'"}}'
await source pre-switchover
poll source '*"status": "pre-switchover"*'
status source finish-migrate
refused source '{"execute": "cont"}' "Migration is not finalized yet"
ask source '{"execute": "migrate-continue", "arguments": {"state": "pre-switchover"}}'
await second completed
await source completed
poll source '*"status": "completed"*'
for figure in total-time downtime setup-time ram; do [[ $line == *"\"$figure\": "* ]] || fail "no $figure in $line"; done
status source postmigrate

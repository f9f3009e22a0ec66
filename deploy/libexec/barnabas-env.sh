# shellcheck shell=sh disable=SC2034,SC2154 # shared with the scripts that source this
# barnabas-env.sh: where things are. Sourced with `here` set to the script's own directory. Sets home (config/ and logs/ are there), programs
# and scripts. In an installed tree the programs lie beside the scripts; in a source tree in build/, or where BARNABAS_BUILD says.
if [ -x "$here/barnabas" ]; then
    home=$(dirname "$here")
    programs=$here
    scripts=$here
else
    home=$(dirname "${here%/bin}")
    programs=${BARNABAS_BUILD:-$home/build}
    scripts=$home/deploy/bin
fi

# Prints the path of a file the user named: as it is seen from here or, when there is none, from home. $1 the name.
find_file() {
    case $1 in
        /*) echo "$1" ;;
        *) if [ ! -e "$1" ] && [ -e "$home/$1" ]; then echo "$home/$1"; else echo "$1"; fi ;;
    esac
}

# Prints the pids of the processes that run this program, an update of its file notwithstanding. $1 the program's path.
pids_of() {
    find /proc -maxdepth 2 -path '/proc/[0-9]*/exe' -printf '%h %l\n' 2>/dev/null | while read -r process file; do
        [ "${file% (deleted)}" != "$(readlink -f "$1")" ] || echo "${process#/proc/}"
    done
}

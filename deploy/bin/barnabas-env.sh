# barnabas-env.sh: where things are, for the scripts beside it. Sets home (config/ and logs/ are there) and programs. In an installed
# tree the programs lie beside the scripts; in a source tree in build/, or where BARNABAS_BUILD says.
here=$(cd "$(dirname "$0")" && pwd)
if [ -x "$here/barnabas" ]; then
    home=$(dirname "$here")
    programs=$here
else
    home=$(dirname "$(dirname "$here")")
    programs=${BARNABAS_BUILD:-$home/build}
fi

#!/bin/sh
# Makes a cluster file for disco-record from one of this folder's templates, and prints it.
#
#   sh tests/cluster/make-conf.sh NAME BUILD-DIR OUT-DIR [WORD=VALUE...]
#
# The template is NAME.conf.in. In it @GUESTS@ is BUILD-DIR/guests, @BUILD@ is BUILD-DIR, and @OUT@
# is OUT-DIR, where the consoles' files are to land and which is made. @WORD:default@ is VALUE, or
# its default.
set -eu

here=$(cd "$(dirname "$0")" && pwd)

fail()
{
    echo "make-conf.sh: $*" >&2
    exit 1
}

[ $# -ge 3 ] || fail 'usage: make-conf.sh NAME BUILD-DIR OUT-DIR [WORD=VALUE...]'
template=$here/$1.conf.in
[ -f "$template" ] || fail "no template $template"
build=$(cd "$2" && pwd)
mkdir -p "$3"
out=$(cd "$3" && pwd)
shift 3

text=$(cat "$template")
# put WORD VALUE: in the text.
put()
{
    case $text in
    *"@$1@"* | *"@$1:"*) ;;
    *) fail "$template has no word @$1@" ;;
    esac
    value=$(printf '%s' "$2" | sed 's/[\\|&]/\\&/g')
    text=$(printf '%s\n' "$text" | sed -E "s|@$1(:[^@]*)?@|$value|g")
}
for word; do
    put "${word%%=*}" "${word#*=}"
done
printf '%s\n' "$text" | sed -E "s|@GUESTS@|$build/guests|g; s|@BUILD@|$build|g
    s|@OUT@|$out|g; s|@[A-Z]+:([^@]*)@|\\1|g"

#### read
read a b <<<'1 2 3'; echo "$a|$b"; read -r c <<<'a\nb'; echo "$c"; read d <<<'a\nb'; echo "$d"
#### read-reply
read <<<'  keeps  blanks  '; echo "[$REPLY]"; read x <<<'  strips  '; echo "[$x]"
#### read-ifs
IFS=: read a b c <<<x::y:z; echo "$a|$b|$c"
#### read-delimiter
read -d, a <<<'1,2'; echo $a; read -d '' b < <(printf 'x\ny\0z'); echo "$b"
#### read-count
read -n3 a <<<abcdef; echo $a; read -N4 b <<<$'a\nbcd'; echo "$b"
#### read-at-the-end
read x </dev/null; echo $? "[$x]"; printf 'no newline' | { read y; echo $? $y; }
#### read-timeout
read -t 0.01 x < <(sleep 0.04); echo $(($? > 128)); read -t 0 x </dev/null; echo $?
#### read-prompt
read -p 'name? ' x <<<me; echo $x
#### read-silent
read -s x <<<secret; echo $x
#### read-fd: line
exec 4<<<$'l1\nl2'; read -u 4 a; read -u4 b; echo $a $b; exec 4<&-; read -u 4 c; echo $?
#### read-continuation
read x <<'X'
a\
b
X
echo $x
#### read-into-readonly: line
readonly r=1; read r <<<2; echo $? $r
#### read-bad-name: line
read 1x <<<a; echo $?
#### read-the-cells-own-input
read x; echo $? "[$x]"; read -n1 y; echo $?
#### loop-over-input
n=0; while read -r l; do ((n++)); done < <(seq 500); echo $n
#### head-then-read
printf '1\n2\n3\n' >f; { head -c2; read x; echo "r$x"; } <f
#### getopts
while getopts ab:c o -a -b val -c rest; do echo "$o ${OPTARG-none}"; done; echo $OPTIND
#### getopts-errors
getopts ab: o -x; echo $? $o; OPTIND=1; getopts ab: o -b; echo $? $o
#### getopts-silent
OPTIND=1; getopts :a:b o -z; echo $o $OPTARG; OPTIND=1; getopts :a: o -a; echo $o $OPTARG
#### getopts-in-function
f() { local OPTIND o; while getopts xy: o; do echo "$o:$OPTARG"; done; shift $((OPTIND - 1)); echo "rest $*"; }; f -x -y1 a b; f -xy 2 c
#### getopts-bundled
set -- -abc; while getopts abc o; do echo -n $o; done; echo
#### cat-without-arguments
cat; cat -; echo $?
#### python-input
python3 -c 'import sys; print(repr(sys.stdin.read()))'
#### bash-from-input
bash; echo $?; bash -s x <<<'echo $1'
#### input-redirected-for-all
exec <<<$'one\ntwo'; read a; read b; echo $a $b; read c; echo $?
#### dev-stdin
cat /dev/stdin <<<x; cat /dev/stdin
#### dev-fd
echo out >/dev/fd/1; echo err >/dev/fd/2; echo o2 >/dev/stdout; echo e2 >/dev/stderr
#### type-of-read
type read; type -t read; declare -F read; echo $?
#### read-in-a-trace
set -x; read a <<<1; set +x
#### read-with-a-prompt-in-a-trace
set -x; read -p '? ' a <<<1; echo $a; set +x
#### type-of-read-with-a-prompt
read -p '? ' a <<<1; type -t read
#### read-in-a-loop-of-lines
seq 3 >f; while read -r l; do echo "<$l>"; done <f; seq 3 | while IFS= read -r l; do echo $l; done
#### read-with-a-prompt-in-a-function
f() { local x; read -rp '? ' x <<<"$1"; echo "$x:$?:$#:$*"; }; f 'a b' c
#### read-with-a-prompt-and-no-input
read -p '? ' x </dev/null; echo $?; set -e; read -sp '? ' x </dev/null || echo failed $?

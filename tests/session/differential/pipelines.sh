#### simple
printf '%s\n' c a b | sort | tr -d '\n'; echo
#### status-is-the-last
false | true; echo $?; true | false; echo $?
#### pipefail
set -o pipefail; (exit 3) | true; echo $?; (exit 3) | (exit 4) | true; echo $?
#### pipestatus-kept-once
false | true | (exit 5); echo ${PIPESTATUS[*]}; echo ${PIPESTATUS[*]}
#### negated
! false | false; echo $?; ! true; echo $?
#### sigpipe
yes | head -2; echo ${PIPESTATUS[*]}
#### sigpipe-pipefail
set -o pipefail; yes | head -1 >/dev/null; echo $?
#### stderr-too
{ echo out; echo err >&2; } |& sort
#### last-not-in-this-shell
echo x | read y; echo "[$y]"
#### lastpipe: control
shopt -s lastpipe; echo x | read y; echo "[$y]"
#### while-loop
seq 3 | while read n; do echo "n$n"; done; echo "[$n]"
#### many-stages
echo 0 | sed s/0/1/ | sed s/1/2/ | sed s/2/3/ | sed s/3/4/ | sed s/4/5/ | sed s/5/6/ | cat
#### one-missing
true | nosuchcommand | cat; echo ${PIPESTATUS[*]}
#### tee
echo x | tee f g | cat; cat f g
#### binary
head -c 100000 /dev/zero | tr '\0' '\377' | md5sum; printf '\377\376\0x' | od -An -tx1
#### large-through
seq 100000 | tail -1; seq 30000 | md5sum
#### input-at-its-end
cat; echo $?; read x; echo $?; wc -c
#### input-shared
(head -1; cat) <<<$'a\nb'; cat
#### input-not-a-terminal
[[ -t 0 ]]; echo $?; [[ -t 1 ]]; echo $?; [[ -p /dev/stdin ]]; echo $?; tty
#### output-is-a-pipe
[[ -p /dev/stdout ]]; echo $?; [[ -p /dev/stderr ]]; echo $?
#### process-substitution
cat <(echo a) <(echo b); diff <(seq 3) <(seq 1 3) && echo same
#### process-substitution-out
echo x > >(cat); wait $!; echo y
#### process-substitution-status
cat <(exit 3); echo $?
#### process-substitution-while
while read x; do echo "<$x>"; s=$x; done < <(seq 2); echo $s
#### process-substitution-names
f() { [[ $1 = /dev/fd/* ]] && cat "$1"; }; f <(echo named)
#### tee-into-substitutions
seq 4 | tee >(wc -l >count) >/dev/null; until [[ -s count ]]; do read -t 0.01 <> <(:); done; cat count
#### xargs
printf '%s\0' 'a b' c | xargs -0 -n1 echo; seq 3 | xargs
#### xargs-failing
echo x | xargs false; echo $?
#### time-keyword
TIMEFORMAT=t; time true; time { echo a | cat; }
#### here-and-pipe
tr a b <<<aaa | tr b c
#### pipe-to-function
f() { while read -r l; do echo "f:$l"; done; }; printf 'x\ny' | f
#### pipe-of-groups
{ echo 1; echo 2; } | { read a; read b; echo $b $a; }
#### broken-by-exit
seq 100000 | { read x; echo $x; exit 3; }; echo ${PIPESTATUS[1]}
#### print-error: line
echo x >/dev/full; echo $?
#### write-after-close: line
(exec >&-; echo lost); echo $?

#### status
f() { return 3; }; f; echo $?; g() { false; }; g; echo $?
#### exit-in-function
f() { echo in; exit 4; }; f; echo never
#### exit-in-function-in-subshell
f() { exit 4; }; (f); echo $?
#### exit-in-substitution
f() { exit 4; }; x=$(f); echo $?
#### return-outside: line
return 3; echo $?
#### return-in-subshell-outside: line
(return 3); echo $?
#### return-large
f() { return 300; }; f; echo $?; g() { return -1; }; g; echo $?
#### return-not-a-number: line
f() { return x; }; f; echo $?
#### return-from-loop
f() { for i in 1 2 3; do [[ $i = 2 ]] && return $i; done; }; f; echo $? $i
#### local
x=1; f() { local x=2; g; x=3; echo $x; }; g() { echo "g $x"; x=9; }; f; echo $x
#### local-outside: line
local x=1; echo $?
#### local-unset
x=1; f() { local x; echo "[${x-unset}]"; unset x; echo "[${x-unset}]"; }; f; echo $x
#### local-dash
f() { local -; set -f; echo *; }; f; [[ $- = *f* ]] || echo off
#### local-readonly: line
f() { local -r x=1; x=2; echo never; }; f; echo $?
#### recursion
fact() { (($1 < 2)) && echo 1 || echo $(($1 * $(fact $(($1 - 1))))); }; fact 6
#### funcnest: line
FUNCNEST=5; f() { f; }; f; echo $?
#### arguments
f() { echo $# "$1" "${@: -1}" "${*:2}"; }; f a 'b c' d; f
#### shift
f() { while (($#)); do echo "$1"; shift; done; }; f 1 '' 3
#### names
a-b() { echo dash; }; a.b() { echo dot; }; a:b() { echo colon; }; a-b; a.b; a:b
#### subshell-body
f() (x=2; exit 3); x=1; f; echo $? $x
#### redirected-body
f() { echo out; echo err >&2; } >file 2>&1; f; cat file
#### exported
f() { echo "exported $1"; }; export -f f; bash -c 'f x'; declare -F f
#### exported-multi-line
f() {
  cat <<X
here $1
X
}
export -f f; bash -c 'f 1'
#### unset
f() { echo f; }; unset -f f; f; echo $?
#### redefine-in-itself
f() { f() { echo second; }; echo first; }; f; f
#### shadows-builtin
cd() { echo "cd $1"; }; cd /tmp; builtin cd /; pwd; unset -f cd; command cd /tmp && pwd
#### shadows-command
ls() { echo mine; }; ls; command ls -d /; unset -f ls
#### shadows-echo-and-printf
echo() { builtin echo "mine: $*"; }; printf() { :; }; echo a; printf b; unset -f echo printf; printf 'c\n'
#### shadows-builtin-builtin
builtin() { echo "builtin $*"; }; builtin x; unset -f builtin; builtin echo y
#### shadows-eval
eval() { echo no eval; }; eval 'echo yes'; command eval 'echo yes'
#### funcname
f() { g; }; g() { echo "${FUNCNAME[*]:0:2} ${#BASH_LINENO[@]}"; }; f
#### caller
f() { caller 0 | cut -d' ' -f2; }; g() { f; }; g
#### readonly-function: line
f() { echo 1; }; readonly -f f; f() { echo 2; }; f
#### declare-f
f() { if true; then echo "a"; fi; for i in 1; do :; done; case x in x|y) ;; esac; }; declare -f f
#### function-keyword
function f { echo kw; }; function g() { echo both; }; f; g
#### variables-before-call
f() { echo $x; bash -c 'echo $x'; }; x=5 f; echo "[$x]"
#### dynamic-scope
f() { local v=f; g; }; g() { echo $v; }; v=top; f; g
#### nested-definition
outer() { inner() { echo inner; }; }; inner 2>/dev/null; echo $?; outer; inner
#### status-of-definition
false; f() { false; }; echo $?
#### invalid-name: line
export 1x=3; echo $?; f() { local 2y=1; }; f; echo $?
#### deep-recursion
d() { (($1)) && d $(($1 - 1)) || echo bottom; }; d 300
#### return-in-trap
f() { trap 'return 5' USR1; kill -USR1 $$; echo not; }; f; echo $?; trap - USR1
#### break-in-function: line
f() { break; }; for i in 1 2; do f; echo $i; done

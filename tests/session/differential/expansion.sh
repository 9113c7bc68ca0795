#### defaults
echo "${x-a}" "${x:-b}" "${x+c}" "${x:+d}"; x=; echo "${x-a}" "${x:-b}" "${x+c}" "${x:+d}"
#### assign-default
echo ${x:=5} $x; echo ${y=6} $y
#### error-if-unset: line abort
echo before; echo ${nosuch:?is missing}; echo after
#### error-if-unset-in-subshell: line
(: ${nosuch?}); echo $?; (: "${x:?custom  message}"); echo $?
#### assign-to-positional: line
(echo ${1:=x}); echo $?
#### prefix-and-suffix
p=/a/b/c.tar.gz; echo ${p#*/} ${p##*/} ${p%.*} ${p%%.*} ${p##*.}
#### substring
x=abcdefgh; echo ${x:2} ${x:2:3} ${x: -3} ${x:1:-2} "${x:20}" ${x:0:0}.
#### substring-negative: line
x=abc; echo ${x:0:-5}; echo $?
#### replace
x=banana; echo ${x/a/o} ${x//a/o} ${x/#b/B} ${x/%a/A} ${x//an} ${x//[an]/x}
#### replace-with-ampersand
x=abc; echo ${x/b/[&]} "${x/b/\&}" ${x/b/"&"}
#### case
x=hELLO; echo ${x^} ${x^^} ${x,} ${x,,} ${x~} ${x~~} ${x^^[l]}
#### length
x=abc; echo ${#x} ${#nosuch} ${#}; set -- a bb; echo ${#} ${#@} ${#2}
#### indirect: line
a=b; b=c; echo ${!a}; n=2; set -- x y; echo ${!n}; echo ${!nosuch}
#### prefix-names
pre_a=1; pre_b=2; echo ${!pre_*} "${!pre_@}"
#### transformations
x='a b'; echo ${x@U} ${x@u} ${x@L} ${x@Q} ${x@a}; declare -r y=1; echo ${y@a} ${y@A}
#### prompt-transformation
p='\$ \\ x'; echo "${p@P}"
#### word-splitting
x=' a  b	c
d '; echo $x; set -- $x; echo $#; IFS=:; y=a::b:; set -- $y; echo $#
#### ifs-whitespace-mixed
IFS=', '; x='a, b ,,c'; set -- $x; printf '<%s>' "$@"; echo
#### ifs-empty
IFS=; x='a b'; set -- $x; echo $#
#### quoted-at-joined
set -- 'a b' c; printf '<%s>' x"$@"y; echo; printf '<%s>' "$*"; echo
#### at-empty
set --; printf '<%s>' "$@" "x$@"; echo
#### positional-slice
set -- a b c d; echo "${@:2:2}" "${@: -1}" "${*:0:1}"
#### ten-arguments
set -- 1 2 3 4 5 6 7 8 9 ten; echo $10 ${10}
#### nested
x=1; echo ${a:-${b:-${x}2}} ${x:+${x}${x}}
#### special-parameters
true; echo $? $#; [[ $$ -gt 0 ]] && echo pid; echo "[$!]"
#### underscore
echo a b last >/dev/null; echo $_
#### bad-substitution: line
echo ${x!}; echo after
#### bad-substitution-in-subshell: line
(echo ${x!y}); echo $?
#### readonly-assign: line
readonly x=1; x=2; echo after $x
#### readonly-assign-in-subshell: line
readonly x=1; (x=2; echo never); echo $?; unset x; echo $?
#### append
x=a; x+=b; x+=c; echo $x; declare -i n=1; n+=2; echo $n
#### environment-of-a-command
x=1 bash -c 'echo $x'; echo "[$x]"; x=2 y=$x bash -c 'echo $x $y.'
#### assignment-then-command-not-found
x=1 nosuchcommand; echo $? "[$x]"
#### large-variable
x=$(printf '%0100000d' 0); echo ${#x}; y=$x$x; echo ${#y} ${y:199990}; [[ $x = "$x" ]] && echo same
#### large-argument
x=$(printf '%0120000d' 0); /bin/echo "$x" | wc -c
#### argument-list-too-long: line
x=$(printf '%0200000d' 0); /bin/true "$x"; echo $?
#### export
x=1; export x; bash -c 'echo $x'; export -n x; bash -c 'echo "[$x]"'
#### pattern-from-variable
p='a*'; x=aab; echo ${x#$p} ${x##$p}. "${x#"$p"}"
#### backslash-in-patterns
x='a\b'; echo "${x//\\/\/}" "${x%\\*}"
#### seconds-is-a-number
[[ $SECONDS =~ ^[0-9]+$ && $EPOCHSECONDS -gt 0 && $EPOCHREALTIME = *.* ]] && echo ok
#### bash-variables
echo ${BASH_VERSINFO[0]} $MACHTYPE $HOSTTYPE $OSTYPE; echo "$BASH"
#### lineno
echo $LINENO
echo $LINENO
#### bashopts: control alias emacs
echo $SHELLOPTS; echo $BASHOPTS
#### prompts: prompts
echo "[${PS1+set}][${PS2+set}][$PS4]"
#### history
echo "[$HISTFILE]"; history; echo $?
#### columns
echo "[$COLUMNS][$LINES]"

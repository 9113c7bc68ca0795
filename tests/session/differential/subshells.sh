#### status
(exit 3); echo $?; (true); echo $?
#### variables-do-not-leak
x=1; (x=2; echo $x); echo $x
#### directory-does-not-leak
mkdir d; (cd d; basename "$PWD"); [[ -d d ]] && echo back
#### level
echo $BASH_SUBSHELL; (echo $BASH_SUBSHELL; (echo $BASH_SUBSHELL)); echo $(echo $BASH_SUBSHELL)
#### pids
[[ $$ = "$(echo $$)" ]] && echo same; [[ $$ = $(echo $BASHPID) ]] || echo other; (((BASHPID == $$)) || echo own)
#### group
{ echo a; x=1; } | cat; { x=2; }; echo $x
#### exit-leaves-only-it
(exit 4; echo never); echo $?; { (exit 5); }; echo $?
#### error-inside
(nosuchcommand); echo $?
#### syntax-in-substitution: abort parsed
echo "$(if)"; echo $?
#### substitution-status
x=$(exit 6); echo $?; echo "$(exit 7)"; echo $?; local_=$(false) || echo failed
#### substitution-strips-newlines
x=$(printf 'a\n\n\n'); echo "[$x]"; y=$(printf '\n\nb'); echo "[$y]"
#### substitution-nul: line
x=$(printf 'a\0b'); echo ${#x}
#### file-substitution: line
echo content >f; x=$(<f); echo "$x" "$(<nosuchfile)"
#### functions-inherited
f() { echo f $1; }; (f sub); x=$(f cmd); echo $x
#### options-do-not-leak
(set -f; echo *nothing*; shopt -s nullglob); echo *nothing*
#### background-and-wait
(exit 9) & wait $!; echo $?
#### nested-deep: line
((((((echo deep))))))  2>&1 || ( ( ( ( echo deep ) ) ) )
#### set-e-inside
(set -e; false; echo never); echo $?
#### set-e-in-substitution
x=$(set -e; false; echo never); echo "$? [$x]"
#### set-e-not-inherited
set -e; x=$(false; echo reached); echo $x
#### inherit-errexit
shopt -s inherit_errexit; set -e; x=$(false; echo never) || true; echo "[$x]"
#### parent-trap-reset
trap 'echo usr1' USR1; (kill -USR1 $BASHPID; echo never); echo $?
#### random-differs-not-seeded
RANDOM=42; a=$RANDOM; RANDOM=42; [[ $a = $RANDOM ]] && echo same
#### seeded-random
RANDOM=7; echo $RANDOM $RANDOM $RANDOM; (RANDOM=7; echo $RANDOM)
#### shlvl
bash -c 'echo $((SHLVL - '$SHLVL'))'; true
#### bashpid-as-child
bash -c 'echo $((PPID == '$$'))'; true

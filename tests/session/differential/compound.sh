#### if
if false; then echo 1; elif true; then echo 2; else echo 3; fi; if false; then :; fi; echo $?
#### while-until
i=0; while ((i < 3)); do ((i++)); [[ $i = 2 ]] && continue; echo $i; done; until ((i == 0)); do ((i--)); done; echo $i
#### break-levels
for i in 1 2; do for j in 1 2; do [[ $j = 2 ]] && continue 2; [[ $i = 2 ]] && break 2; echo $i$j; done; done
#### break-outside: line
break; echo $?; continue; echo $?
#### loop-status
for i in; do :; done; echo $?; while false; do :; done; echo $?; for i in 1; do false; done; echo $?
#### loop-redirected
for i in 1 2; do echo $i; done >f; cat f; while read x; do echo "<$x>"; done <f
#### select
PS3='? '; select x in a b; do echo "chose $x $REPLY"; break; done <<<2
#### select-at-the-end
select x in a b; do echo "$x"; done <<<$'1\n9'; echo $?
#### case-patterns-quoted
x='a b'; case "$x" in 'a b') echo yes ;; esac; case $x in a\ b) echo too ;; esac; case x in (x) echo paren ;; esac
#### case-none
case x in y) ;; esac; echo $?
#### double-brackets
[[ a < b && ! (1 -gt 2) ]]; echo $?; [[ -z '' && -n x ]]; echo $?; [[ abc = a* ]]; echo $?; [[ abc = 'a*' ]]; echo $?
#### regex
[[ foo-123 =~ ^([a-z]+)-([0-9]+)$ ]]; echo "${BASH_REMATCH[@]}"; [[ x =~ y ]]; echo $? ${#BASH_REMATCH[@]}
#### regex-from-variable
re='a(b|c)+'; [[ xabcbx =~ $re ]] && echo "${BASH_REMATCH[0]}"; [[ 'a(b' =~ "a(b" ]] && echo literal
#### regex-invalid
re='('; [[ x =~ $re ]]; echo $?
#### nocasematch
shopt -s nocasematch; [[ ABC = abc ]]; echo $?; shopt -u nocasematch
#### test-command: line
[ 1 -lt 2 ] && echo lt; [ a = b ]; echo $?; test; echo $?; [ 1 -eq x ]; echo $?; [ a; echo $?
#### file-tests
touch f; mkdir d; ln -s f l; chmod +x f; for t in -e -f -d -L -r -w -x -s; do test $t f; echo -n $?; test $t d; echo -n "$? "; done; echo
#### newer-than
touch -d '2001-01-01' a; touch b; [[ b -nt a && a -ot b ]] && echo newer; ln a c; [[ a -ef c ]] && echo same
#### groups-nested
{ { echo a; }; { (echo b); }; } | { cat; echo c; }
#### and-or-lists
true && echo 1 || echo 2; false && echo 3 || echo 4; true || echo 5 && echo 6
#### negation
! true; echo $?; ! ! true; echo $?; if ! false; then echo yes; fi
#### null-command
:; echo $?; >f; [[ -e f ]] && echo made; x=1; echo $?
#### redirection-only: line
<nosuch; echo $?; >/nosuch/dir; echo $?
#### semicolon-error: parsed
echo a;; echo b
#### unexpected-token: parsed
echo before
)
echo after
#### unexpected-done: parsed
echo before; done
#### unclosed-if: parsed
echo before
if true; then echo in
#### unclosed-brace: parsed
{ echo a
#### unexpected-pipe: parsed
| cat
#### empty-substitution
$(); echo $?; $(true); echo $?; $(false); echo $?
#### command-from-variable
c='echo a  b'; $c; "$c"; echo $?
#### eval
x='echo $((1 + 1)) | cat; y=5'; eval "$x"; echo $y; eval; echo $?; eval 'exit 3'; echo never
#### eval-syntax-error
eval 'if'; echo $?; eval 'echo )'; echo after
#### eval-status
eval false; echo $?; eval '(exit 7)'; echo $?
#### source
printf 'echo sourced $1 $#\nx=5\nreturn 4\necho never\n' >s; . ./s arg; echo $? $x $#; source s
#### source-missing: line
. ./nosuch; echo $?
#### source-syntax-error: line
printf 'echo a\nif\n' >s; . ./s; echo $?
#### source-runtime-error: sourced
printf 'nosuchcommand\ncd /nosuch\n' >s; . ./s; echo $?
#### source-exits
echo 'exit 6' >s; . ./s; echo never
#### source-from-substitution
. <(echo 'echo from substitution'); source /dev/stdin <<<'echo from stdin'
#### coproc
coproc { read x; echo "got $x"; }; echo hi >&${COPROC[1]}; read y <&${COPROC[0]}; echo "$y"; wait
#### coproc-named
coproc c { cat; }; echo x >&${c[1]}; exec {c[1]}>&-; cat <&${c[0]}; wait
#### time-of-nothing
TIMEFORMAT='%%'; time; TIMEFORMAT='%0R of a second'; time :
#### long-command-line
echo $(printf 'word%d ' {1..2000}) | wc -w
#### long-source-line
x='0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789'; echo ${#x}
#### only-blanks
   
#### only-newlines


#### many-commands
x=0; for ((i = 0; i < 5000; i++)); do ((x += i)); done; echo $x

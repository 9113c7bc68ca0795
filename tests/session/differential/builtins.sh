#### type
type cd; type -t cd echo if nosuch; echo $?; f() { :; }; type f; type -t f
#### type-of-a-file
type -p ls >/dev/null && echo found; type -P cd; echo $?
#### command
command -v cd if; command -v nosuch; echo $?; command -V echo; command nosuch; echo $?
#### builtin: line
builtin echo a; builtin nosuch; echo $?
#### hash: line
hash -r; hash; ls >/dev/null; hash -t ls >/dev/null; echo $?; hash nosuch; echo $?
#### enable: line
enable -n echo; type -t echo; enable echo; type -t echo; enable nosuch; echo $?
#### umask: line
umask 027; umask; umask -S; touch f; stat -c %a f; umask 9; echo $?; umask u=rwx,g=,o=; umask
#### umask-in-subshell
umask 022; (umask 077; umask); umask
#### cd: line
mkdir d; cd d; basename "$PWD" "$OLDPWD"; cd - >/dev/null; cd nosuch; echo $?; cd a b; echo $?
#### cd-home: line
HOME=/usr; cd; pwd; cd -- /; pwd; unset HOME; cd; echo $?
#### cd-symlink
mkdir d; ln -s d l; cd l; basename "$(pwd)" ; basename "$(pwd -P)"; cd ..; ls
#### cd-removed
mkdir d; cd d; rmdir ../d; pwd >/dev/null; echo $?; ls; cd ..; echo $?
#### cdpath
mkdir -p a/b; CDPATH=a; cd b | sed 's|.*/a|a|'
#### autocd: autocd
mkdir d; shopt -s autocd; d; basename "$PWD"
#### pushd: line
mkdir a b; pushd a >/dev/null; pushd ../b >/dev/null; dirs | wc -w; popd >/dev/null; basename "$PWD"; popd >/dev/null; popd; echo $?
#### dirs
cd /; pushd /usr; dirs -v; popd; dirs -c
#### pwd
cd /usr/bin/..; pwd; pwd -P; cd ..
#### ulimit
ulimit -n >/dev/null; echo $?; (ulimit -n 64; ulimit -n); ulimit -S -c 0; ulimit -c
#### test-of-strings
test -n "$(echo a)"; echo $?; test ! -e nosuch; echo $?; [ ]; echo $?; [ ! ]; echo $?
#### true-and-false
true; echo $?; false; echo $?; :; echo $?; true x; echo $?
#### let: line
let x=5 y=x+1; echo $y; let; echo $?
#### shift: line
set -- 1 2 3; shift 2; echo $*; shift 2; echo $?; shift -1; echo $?
#### unset
x=1; unset x y; echo $?; unset -v z; unset '1x'; echo $?
#### export-list
export zz=1; export -p | grep zz; export -n zz; export -p | grep -c zz
#### dirs-stack-variable
cd /; pushd /usr >/dev/null; echo "${DIRSTACK[@]}"; popd >/dev/null
#### complete: line
complete -W 'a b' foo; complete -p foo; complete -r foo; complete -p foo; echo $?
#### bind
bind -P >/dev/null 2>&1; echo done
#### help: line
help true | head -1; help nosuch; echo $?
#### caller
caller; echo $?; f() { caller | wc -w; }; f
#### logout: line
logout; echo $?
#### times
times | wc -l
#### usage: line
cd -Z; echo $?; pwd -Z; echo $?; read -Z; echo $?; export -Z; echo $?
#### command-not-found-handle
command_not_found_handle() { echo "no $1 here"; return 9; }; nosuch a; echo $?
#### path: line
PATH=; ls; echo $?; echo still; /bin/echo abs
#### path-with-own-directory
mkdir bin; printf '#!/bin/bash\necho mine $*\n' >bin/tool; chmod +x bin/tool; PATH=$PWD/bin:$PATH; tool 1; hash -r
#### env
env -i bash -c 'echo "${FOO-none}"'; FOO=1 env | grep ^FOO; env FOO=2 bash -c 'echo $FOO'
#### printenv
x=1; printenv x; echo $?; export x; printenv x
#### posix-special
POSIXLY_CORRECT=1; echo ok; unset POSIXLY_CORRECT
#### mail-and-prompt-command
PROMPT_COMMAND='echo prompt'; echo a
#### ps1
PS1='prompt> ' PS2='more> '; echo a
#### ps0
PS0='zero '; echo a
#### tmout
TMOUT=100; echo a
#### ifs-odd
IFS=e; echo hello; x=hello; echo $x; IFS=$' \t\n'
#### opterr
OPTERR=0; getopts a o -x; echo $o
#### bash-command
echo "$BASH_COMMAND"
#### bash-source
echo "${#BASH_SOURCE[@]} ${#FUNCNAME[@]}"; echo 'echo ${BASH_SOURCE[0]}' >s; . ./s
#### bash-argv
echo $BASH_ARGC "${BASH_ARGV[@]}"
#### exit-trap-of-children
bash -c 'trap "echo child bye" EXIT; exit 3'; echo $?
#### interactive: interactive
[[ $- = *i* ]]; echo $?; shopt -q login_shell; echo $?
#### python
python3 -c 'print("x" * 3); import sys; sys.exit(4)'; echo $?
#### awk-and-sed
printf '1 2\n3 4\n' | awk '{s += $2} END {print s}'; echo abc | sed -E 's/(a)(b)/\2\1/'

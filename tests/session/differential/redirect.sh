#### basics
echo a >f; echo b >>f; cat <f; echo err 2>&1 >/dev/null; echo x >&2 2>/dev/null
#### order
{ echo o; echo e >&2; } >f 2>&1; cat f; { echo o; echo e >&2; } 2>&1 >/dev/null
#### both
{ echo o; echo e >&2; } &>f; { echo o2; echo e2 >&2; } &>>f; cat f
#### swap
{ echo o; echo e >&2; } 3>&1 1>&2 2>&3 3>&-
#### descriptors: line
exec 3>f; echo a >&3; exec 3>&-; echo b >&3; echo $?; cat f
#### descriptor-variable
exec {fd}>f; ((fd >= 10)) && echo x >&$fd; exec {fd}>&-; cat f
#### read-and-write
echo abc >f; exec 3<>f; read -n1 c <&3; echo -n X >&3; exec 3>&-; cat f; echo $c
#### move
exec 4>f; echo a >&4; exec 5>&4-; echo b >&5; exec 5>&-; cat f
#### close-stdout: line
echo lost >&-; echo $?; exec 6>&1; echo kept >&6; exec 6>&-
#### close-stdin
cat <&-; echo $?
#### exec-stdout
exec >f; echo a; echo b >&2; exec >/dev/stderr; cat f
#### exec-stderr
exec 2>f; nosuchcommand; echo $?; wc -l <f
#### exec-stdout-to-file-and-back
exec 3>&1 >f; echo in file; exec 1>&3 3>&-; echo back; cat f
#### exec-close-all
exec 1>&- 2>&-; echo lost; exit 3
#### exec-command
exec echo replaced; echo never
#### exec-command-status
exec bash -c 'exit 5'
#### exec-missing: line execfail
exec nosuchcommand; echo after
#### exec-missing-in-subshell: line
(exec nosuchcommand; echo never); echo $?
#### exec-a
exec -a name bash -c 'echo $0'
#### ambiguous: line
x='a b'; echo 1 >$x; echo $?
#### missing-directory: line
echo a >/nosuch/f; echo $?; cat <nosuch; echo $?
#### missing-directory-builtin: line
: >/nosuch/f; echo $?; exec 3</nosuch; echo $?
#### is-a-directory: line
echo a >/; echo $?
#### bad-descriptor: line
echo a >&9; echo $?; cat <&8; echo $?
#### noclobber: line
set -o noclobber; >f; echo a >f; echo $?
#### inherited-descriptors
ls /proc/self/fd
#### inherited-descriptors-in-substitution
x=$(ls /proc/self/fd | head -3); echo $x
#### inherited-descriptors-in-background
ls /proc/self/fd >f & wait; cat f
#### own-high-descriptors
bash -c 'ls /proc/self/fd'; (ls /proc/self/fd) | cat
#### redirect-function-input
f() { cat; }; f <<<in; echo in2 | f
#### append-while-reading
echo 1 >f; cat f f >g; cat g; cat <f >>g; cat g
#### dup-to-self
echo a >&1; echo b 1>&1 2>&2
#### truncating-the-output
: >/dev/stdout; echo a
#### null-device
echo a >/dev/null; cat /dev/null; echo $?
#### brace-group-closed
{ echo a >&3; } 3>&1; { echo b; } 3>&- 
#### tcp: line
: </dev/tcp/127.0.0.1/1; echo $?
#### heredoc-to-descriptor
exec 3<<X
line
X
cat <&3; exec 3<&-
#### quoted-names
echo a >'a b'; cat a\ b; echo b >"$PWD/x"; cat x
#### varredir-close
shopt -s varredir_close; : {v}>f; { true >&$v; } 2>/dev/null || echo closed

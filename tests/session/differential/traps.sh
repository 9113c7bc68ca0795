#### exit: exit-trap
trap 'echo bye $?' EXIT; echo hi
#### exit-status
trap 'echo bye $?' EXIT; exit 3
#### exit-to-stderr: exit
trap 'echo bye $? >&2' EXIT; exit 3
#### exit-changes-status
trap 'exit 5' EXIT; exit 3
#### exit-in-subshell
(trap 'echo sub bye' EXIT; echo in); echo out
#### exit-in-substitution
x=$(trap 'echo bye' EXIT; echo in); echo "[$x]"
#### exit-removed
trap 'echo bye' EXIT; trap - EXIT; echo hi
#### err
trap 'echo err $?' ERR; false; (exit 4); true; if false; then :; fi; false || true; echo end
#### err-in-function
f() { false; echo in; }; trap 'echo err' ERR; f; set -E; f
#### err-line
trap 'echo "line $LINENO: $BASH_COMMAND"' ERR
true
false
#### err-with-set-e
trap 'echo err' ERR; set -e; false; echo never
#### debug
trap 'echo "+ $BASH_COMMAND"' DEBUG; x=1; echo $x; trap - DEBUG; echo end
#### debug-extdebug-skips
shopt -s extdebug; trap '[[ $BASH_COMMAND != *skip* ]]' DEBUG; echo one; echo skip; trap - DEBUG; echo two
#### debug-in-function
f() { echo in; }; trap 'echo d' DEBUG; f; set -T; f; trap - DEBUG
#### return
f() { trap 'echo ret $?' RETURN; return 3; }; f; echo $?; trap - RETURN
#### return-of-source
trap 'echo ret' RETURN; echo 'echo sourced' >s; . ./s; trap - RETURN
#### usr1
trap 'echo usr1' USR1; kill -USR1 $$; echo after
#### usr1-during-command
trap 'echo usr1' USR1; bash -c 'kill -USR1 $PPID; echo child'; echo after
#### usr2-in-function
f() { trap 'echo in f: $1' USR2; kill -USR2 $$; }; f arg; trap - USR2
#### int
trap 'echo int' INT; kill -INT $$; echo after
#### int-in-subshell
(trap 'echo int; exit 9' INT; kill -INT $BASHPID; echo never); echo $?
#### term
trap 'echo term' TERM; kill -TERM $$; echo after
#### term-in-subshell
(trap 'echo term' TERM; kill -TERM $BASHPID; echo after); echo $?
#### ignored
trap '' USR1; kill -USR1 $$; bash -c 'kill -USR1 $$; echo lives'; echo $?
#### reset-in-child
trap 'echo usr1' USR1; bash -c 'kill -USR1 $$; echo never'; echo $?
#### listing
trap 'a "b" '\''c'\' USR1; trap '' HUP; trap -p; trap - USR1 HUP; trap -p
#### listing-in-subshell
trap 'echo x' USR1; (trap -p USR1); x=$(trap -p USR1); echo "$x"
#### bad-signal: line
trap 'x' NOSUCH; echo $?
#### names-of-signals
trap -l | head -3; kill -l 9 137 TERM
#### multi
trap 'echo got' USR1 USR2; kill -USR1 $$; kill -USR2 $$
#### trap-kills-itself: line death
trap 'trap - USR1; echo once' USR1; kill -USR1 $$; (kill -USR1 $BASHPID; echo never); echo $?
#### pipe
trap 'echo pipe >&2' PIPE; (trap - PIPE; yes) | head -1
#### chld
trap 'n=$((n + 1))' CHLD; n=0; (exit 1); (exit 2); trap - CHLD; echo $n
#### err-keeps-status
trap ':' ERR; (exit 6); echo $?
#### exit-and-err-under-e
set -e; trap 'echo err $?' ERR; trap 'echo exit $?' EXIT; (exit 7); echo never
#### winch
trap 'echo winch' WINCH; kill -WINCH $$; echo after

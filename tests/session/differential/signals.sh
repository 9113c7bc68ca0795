#### child-killed: line death
bash -c 'kill -9 $$'; echo $?
#### child-terminated
bash -c 'kill -TERM $$'; echo $?
#### child-hung-up: line death
bash -c 'kill -HUP $$'; echo $?
#### child-interrupted: control
bash -c 'trap - INT; kill -INT $$'; echo $?
#### child-pipe
bash -c 'kill -PIPE $$'; echo $?
#### child-abort: line death
bash -c 'ulimit -c 0; kill -ABRT $$'; echo $?
#### child-alarm: line death
bash -c 'kill -ALRM $$'; echo $?
#### child-usr1: line death
bash -c 'kill -USR1 $$'; echo $?
#### child-in-pipeline
bash -c 'kill -9 $$' | cat; echo ${PIPESTATUS[*]}
#### last-in-pipeline
echo | bash -c 'kill -TERM $$'; echo $?
#### subshell-killed: line death
(kill -9 $BASHPID); echo $?
#### substitution-killed
x=$(kill -9 $BASHPID); echo $? "[$x]"
#### background-killed
sleep 10 & kill $!; wait $!; echo $?
#### background-killed-hard
sleep 10 & kill -9 $!; wait $! 2>/dev/null; echo $?
#### self-term: sigterm
kill -TERM $$; echo after
#### self-int
kill -INT $$; echo after
#### self-int-in-loop
for i in 1 2; do echo $i; kill -INT $$; done; echo after
#### self-quit
kill -QUIT $$; echo after
#### self-hup
kill -HUP $$; echo after
#### self-kill
echo before; kill -KILL $$; echo after
#### self-usr1
kill -USR1 $$; echo after
#### self-alrm
kill -ALRM $$; echo after
#### self-pipe
kill -PIPE $$; echo after
#### self-stop-and-go
go() { until [[ -e go ]]; do kill -CONT $$; sleep 0.01; done; }; go & kill -STOP $$; >go; wait; echo after
#### self-nothing
kill -0 $$; echo $?; kill -WINCH $$; kill -URG $$; kill -CONT $$; echo after
#### self-chld
kill -CHLD $$; echo after
#### subshell-term
(kill -TERM $BASHPID; echo never); echo $?
#### subshell-int: control
(kill -INT $BASHPID; echo never); echo $?
#### no-such-process: line
kill 99999999; echo $?; kill -0 99999999; echo $?
#### bad-arguments: line
kill; echo $?; kill -NOSUCH $$; echo $?; kill x; echo $?
#### list
kill -l | head -2; kill -l INT 15
#### dispositions: spawned
grep -E 'Sig(Ign|Blk)' /proc/self/status
#### dispositions-in-substitution: control spawned
x=$(grep SigIgn /proc/self/status); echo $x
#### exit-codes
for c in 0 1 2 126 127 128 130 137 143 255 256 -1; do (exit $c); echo -n "$? "; done; echo
#### exit-128
exit 128
#### exit-200
exit 200
#### exit-256
exit 256
#### exit-negative
exit -1
#### exit-not-a-number: line
exit x
#### exit-too-many: line
exit 1 2; echo $?
#### exit-plain
false; exit
#### not-executable: line
echo 'echo hi' >script; ./script; echo $?; ./nosuch; echo $?; /; echo $?
#### script-without-shebang
echo 'echo hi $1' >script; chmod +x script; ./script 1; echo $?
#### script-bad-shebang: line
printf '#!/no/such/interpreter\n' >script; chmod +x script; ./script; echo $?
#### timeout
timeout 0.02 sleep 10; echo $?
#### sleep-interrupted-by-trap
trap 'echo usr1' USR1; (sleep 0.02; kill -USR1 $$) & wait; echo $?
#### kill-group: jobs
set -m; (sleep 10; echo never) & kill -TERM -- -$!; wait $!; echo $?

#### wait-for-status
(exit 3) & wait $!; echo $?
#### wait-for-all
(sleep 0.02; echo a) & wait; echo b
#### wait-n
(sleep 0.05; exit 1) & (exit 2) & wait -n; echo $?; wait
#### wait-for-a-stranger: line
wait 1; echo $?; wait 99999999; echo $?; wait %5; echo $?
#### output-in-the-background
echo a & wait; { echo b; echo c >&2; } & wait
#### listing
sleep 5 & jobs; kill $!; wait $! 2>/dev/null; jobs
#### job-spec
sleep 5 & kill %1; wait %1 2>/dev/null; echo $?
#### job-by-name
sleep 5 & kill %sl; wait; echo done
#### no-such-job: line
kill %7; echo $?; jobs %7; echo $?
#### fg: control
(sleep 0.01; exit 3) & fg; echo $?
#### bg: line control
bg; echo $?
#### disown
sleep 5 & disown %1; jobs; kill $!; echo $?
#### last-background-pid
[[ -z $! ]] && echo none; true & [[ $! -gt 0 ]] && echo some; wait
#### background-in-function
f() { (exit 5) & wait $!; return $?; }; f; echo $?
#### background-input
cat & wait; echo $?
#### background-pipeline
echo a | cat & wait; echo $?
#### background-in-subshell
(sleep 0.01 & wait; echo sub); echo $?
#### background-group
{ echo a; exit 4; } & wait $!; echo $?
#### background-list
false || echo or & wait
#### many
for i in 1 2 3 4; do (exit $i) & p+=($!); done; for x in "${p[@]}"; do wait $x; echo -n $?; done; echo
#### trap-while-waiting
trap 'echo usr1' USR1; (sleep 0.02; kill -USR1 $$) & wait $!; echo $(($? > 128))
#### process-groups
set -- $(cut -d' ' -f5 /proc/self/stat); [[ $1 = $$ ]] && echo shell || echo own
#### job-control-off
set +m; (exit 2) & wait $!; echo $?
#### wait-twice
(exit 3) & p=$!; wait $p; wait $p; echo $?
#### nohup
nohup bash -c 'echo x' 2>/dev/null; ls; rm -f nohup.out
#### timeout-of-a-group
timeout 0.02 bash -c 'sleep 10 & wait'; echo $?
#### setsid
setsid -w bash -c 'exit 3'; echo $?
#### wait-p
(exit 3) & wait -n -p who; echo $? $((who == $!))
#### background-builtin
echo from builtin & wait $!; x=1 & wait; echo "[$x]"
#### notify
set -b; (exit 1) & wait; echo a

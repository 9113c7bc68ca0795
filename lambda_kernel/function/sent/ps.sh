#!/usr/bin/env bash
# ps where there is none: AL2023's runtime has no procps. proc(5) says what the fields are.
wide='%-10s %5s %4s %4s %8s %7s %-4s %-4s %5s %8s %s\n'
case $* in *u*) form=user ;; *f*) form=full ;; *) form=short ;; esac
declare -A users
while IFS=: read -r name _ uid _; do users[$uid]=$name; done </etc/passwd
read -r now _ </proc/uptime
while read -r key kb _; do [[ $key = MemTotal: ]] && total=$kb; done </proc/meminfo
case $form in
    user) printf "$wide" USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND ;;
    full) printf '%-10s %5s %5s %5s %4s %8s %s\n' UID PID PPID STIME TTY TIME CMD ;;
    short) printf '%7s %-8s %8s %s\n' PID TTY TIME CMD ;;
esac
for dir in /proc/[0-9]*; do
    pid=${dir#/proc/}
    { stat=$(<$dir/stat); status=$(<$dir/status); mapfile -d '' -t args <$dir/cmdline; } 2>/dev/null || continue
    name=${stat#*\(} name=${name%)*}
    set -- ${stat##*) }
    cpu=$(((${12} + ${13}) / 100)) age=$((${now%.*} - ${20} / 100))
    printf -v time '%02d:%02d:%02d' $((cpu / 3600)) $((cpu / 60 % 60)) $((cpu % 60))
    printf -v start '%(%H:%M)T' $((EPOCHSECONDS - age))
    uid=${status#*Uid:} uid=${uid%%[$'\n']*}
    read -r uid _ <<<"$uid"
    user=${users[$uid]:-$uid} command=${args[*]:-[$name]} rss=$((${22} * 4))
    case $form in
        user)
            percent=$((((${12} + ${13}) * 10) / (age > 0 ? age : 1))) memory=$((rss * 1000 / total))
            printf "$wide" "$user" $pid $((percent / 10)).$((percent % 10)) $((memory / 10)).$((memory % 10)) \
                $((${21} / 1024)) $rss '?' $1 $start $time "$command" ;;
        full) printf '%-10s %5d %5d %5s %4s %8s %s\n' "$user" $pid $2 $start '?' $time "$command" ;;
        short) printf '%7d %-8s %8s %s\n' $pid '?' $time "$name" ;;
    esac
done

#### echo-options
echo -n a; echo -e 'b\tc\n'; echo -E '\t'; echo -ne 'x\c'; echo; echo -- -n; echo -x
#### echo-escapes
echo -e '\0101\x42\a\\\c never'; echo
#### echo-nothing
echo; echo ''; echo -n; echo "-n" x
#### xpg-echo
shopt -s xpg_echo; echo 'a\tb'; shopt -u xpg_echo
#### no-newline-at-the-end
printf 'no newline'
#### printf-repeats
printf '%s-%s\n' 1 2 3; printf '%s\n'; printf 'x\n' a b
#### printf-widths
printf '[%5d][%-5s][%05d][%+d][%.2s][%*s]\n' 42 ab 7 3 xyz 4 w
#### printf-b
printf '%b|%b\n' 'a\tb' 'x\0101'; printf '%b' 'stop\c' never; echo
#### printf-errors: line
printf '%d\n' abc; echo $?; printf '%d\n' 12x; echo $?; printf '%z\n'; echo $?
#### printf-v: line
printf -v x '%03d' 5; echo $x; printf -v 'a[1]' y; declare -p a; printf -v '1bad' z; echo $?
#### printf-time
TZ=UTC printf '%(%Y-%m-%d)T\n' 0
#### printf-usage: line
printf; echo $?; printf -x; echo $?; printf -- '-%s\n' a
#### printf-percent: line
printf '%%|%5%|\n'; printf '100%\n'; echo $?
#### printf-char
printf '%c%c\n' abc def; printf '%x\n' "'a"
#### many-lines
for i in {1..3000}; do echo "line $i"; done
#### interleaved
for i in 1 2 3; do echo out $i; echo err $i >&2; done
#### long-line
printf '%0200000d\n' 1; echo after
#### only-stderr
echo e >&2; echo f >&2
#### stderr-without-newline
echo -n e >&2; echo -n o
#### binary
printf '\x00\x01\x02\xff\n'; head -c 300 /dev/zero
#### ansi
printf '\033[1;31mred\033[0m \033]0;title\007\n'
#### large-both
head -c 300000 /dev/zero | tr '\0' o; head -c 300000 /dev/zero | tr '\0' e >&2
#### exit-word-on-stderr
echo exit >&2
#### exit-word-without-newline
echo -n exit >&2
#### exit-word-then-exit
echo exit >&2; echo -n ex >&2; exit 3

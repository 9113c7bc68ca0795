#### echo
echo ünïcødé ☃ 日本語 🐚 é
#### length
x=日本語; echo ${#x} ${x:1:1} "${x^^}"
#### case-change
x=äöü; echo ${x^^} ${x^}; y=ÄÖÜ; echo ${y,,}
#### bytes
printf ü | od -An -tx1; printf '\xc3\xbc\n'
#### invalid
printf '\xff\xfe\x80 a\n'; echo $'\xe2\x98'
#### invalid-in-variable
x=$'a\xffb'; echo "${#x} $x"; printf %s "$x" | od -An -tx1
#### escapes
printf '\u263a \U1f41a %b\n' '\u00e9'; echo -e '\u00fc'
#### glob
touch ü.txt ☃; echo *; echo ?; echo [ü]*
#### regex
[[ straße =~ ^(.*)ß(.*)$ ]] && echo "${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
#### pattern
x=größe; echo ${x/ö/oe} ${x%ß*} ${x#??}
#### names
ü=1; echo $ü; fü() { echo fü; }; fü
#### printf-width
printf '[%5s][%-5s]\n' ü 日本; printf '%c\n' ü | od -An -tx1
#### read-n
read -n 2 x <<<日本語; echo $x; read -N 1 y <<<ü; echo $y
#### combining
x=$'e\u0301'; echo ${#x} $x
#### sort
printf '%s\n' b ä a z | sort | tr '\n' ' '; echo
#### locale-c
LC_ALL=C; x=ü; echo ${#x}; unset LC_ALL
#### right-to-left
echo שלום עולם; echo $'\u202eabc'
#### quoting
printf '%q\n' ü $'\xff'; x=☃; echo "${x@Q}"
#### nul
printf 'a\0b\n' | od -c; printf 'a\0b\n'
#### control-characters
printf '\a\b\e[31mred\e[0m\f\v\x7f\n'
#### carriage-returns
printf '10%%\r20%%\rdone\n'; echo $'a\r'
#### line-separators
printf 'a\u2028b\u0085c\n'
#### bom
printf '\ufeffbom\n' | od -An -tx1
#### brace-range
echo {a..e} {é,ü}
#### select-words
for w in 日 本 "語 x"; do echo "<$w>"; done
#### command-not-found
größe; echo $?
#### here-document
cat <<ENDE
größe ☃ ${#x}
ENDE
#### ordinal
printf '%d %d\n' "'ü" "'A"

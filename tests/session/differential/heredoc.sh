#### plain
cat <<X
a $((1 + 1)) $(echo sub) `echo back` \$x \\ "q" 'q'
X
#### quoted
cat <<'X'
a $((1 + 1)) $(echo sub) \$x \\
X
#### tabs-stripped
cat <<-X
	one
		two
	X
#### two-in-a-line
cat <<A; cat <<B
a
A
b
B
#### one-command-two
cat <<A - <<B
a
A
b
B
#### in-a-loop
for i in 1 2; do cat <<X
$i
X
done
#### in-a-function
f() { cat <<X
arg $1
X
}
f one; f two; declare -f f
#### in-substitution
x=$(cat <<X
in $((2 * 3))
X
); echo "$x"
#### to-a-while-loop
while read -r a b; do echo "$b $a"; done <<X
1 2
3 4 5
X
#### here-string
cat <<<"a $((1 + 2))"; cat <<<$'x\ny'; wc -c <<<''
#### here-string-splitting
x='a   b'; cat <<<$x; cat <<<"$x"
#### unended: line
cat <<X
a
b
#### empty
cat <<X
X
echo after
#### delimiter-with-blanks
cat <<'A B'
text
A B
#### odd-delimiter
cat <<\!
$x
!
#### numbered
cat /dev/fd/5 5<<X
five
X
#### pipe-after
cat <<X | tr a-z A-Z
shout
X
#### large
x=$(printf '%0100000d' 7)
cat <<X | md5sum
$x$x$x$x$x$x$x$x
X
#### crlf-inside
printf -v r '\r'; cat <<X | od -c
a$r
X
#### backslash-newline-inside
cat <<X
a\
b
X
#### nested-quotes-inside
cat <<X
${x:-"a b"} "${x:-'c'}"
X
#### looks-like-our-own-mark
cat <<'X'
'; \builtin printf '%s\0' "1 0"; echo '
X

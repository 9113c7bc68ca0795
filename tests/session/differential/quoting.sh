#### single
echo 'a  b' 'it'\''s' ''
#### double
x='1  2'; echo "a $x b" "\$x \"q\" \\ \`" "\n"
#### ansi-c
printf '%s|' $'a\tb\n' $'\x41\102\u00e9\'\\' $'\e[0m' | od -c
#### locale-quotes
echo $"hello  $((1 + 1))"
#### backslash-newline
echo one \
  two\
three
#### trailing-backslash
echo a\
#### only-a-backslash
\
#### escaped-blanks
printf '<%s>' a\ b c\	d \  ; echo
#### nested-command-substitution
echo "$(echo "$(echo "a  b" 'c"d')")" `echo \`echo x\` "q q"`
#### quotes-in-substitution
echo "${x:-"a  b"}" "${x:-'a'}" ${x:-'c  d'}
#### empty-words
set -- '' "" $nothing "$nothing"; echo $#
#### mixed-word
a=1; echo 'x'"$a"$a\$a$'\x79'
#### comments
echo a # b
echo a#b '#c' # 'unclosed
# only a comment
#### exclamation-marks
echo !! !x "!y" 'z!' ! 2>&1
! false; echo $?
#### multi-line-single
echo 'line 1
line 2

  line 4'
#### crlf-quoted
printf '%s\r\n' a b | od -c
#### tabs
echo	tab	'in	side'
#### unclosed-single: parsed
echo before
echo 'unclosed
#### unclosed-double: parsed
echo before; echo "unclosed
#### unclosed-substitution: line abort
echo $(echo a
#### unclosed-backquote: parsed
echo `echo a
#### dollar-alone
echo $ "$" $% "$ x" $'' a$
#### tilde
HOME=/h; echo ~ ~/x "~" \~ x~ a=~ ~nosuchuser; y=~:~; echo $y
#### semicolons
echo a;echo b;
echo c;
#### line-continuation-in-operators
true \
  && echo and \
  || echo or
#### quoted-equals
'x'=1; x"="2
echo ${x-unset}
#### reserved-words-quoted
"if" true; \while; 'echo' ok
#### many-quotes
eval echo \'a \"b\" \'\\\'\' c\'
#### at-q
x=$'a\'b\n c'; echo "${x@Q}" ${x@E} "${x@A}"
#### printf-q
printf '%q ' 'a b' '' "it's" $'\n' ü '*' '~'; echo

#### attributes
declare -i i=3; declare -r r=1; declare -x e=2; declare -l l=ABC; declare -u u=def; declare -p i r e l u
#### unset-kinds
declare x; declare -p x; declare -a a; declare -A m; declare -p a m; echo "${x-unset}"
#### not-found: line
declare -p nosuch; echo $?
#### global-in-function
f() { declare -g x=1; declare y=2; }; f; echo $x "[$y]"
#### nameref
declare -n r=target; r=5; echo $target ${!r}; unset -n r; echo $target
#### nameref-in-function
set_to() { local -n out=$1; out=$2; }; set_to x 7; echo $x
#### nameref-loop: line
declare -n a=b; declare -n b=a; echo $a; echo $?
#### nameref-to-element
a=(1 2 3); declare -n r='a[1]'; r=9; echo "${a[@]}"
#### readonly: line
readonly x=1 y; readonly -p | grep -E ' [xy]='; y=2; echo never
#### lower-and-upper
declare -u x; x=abc; x+=def; echo $x; declare -l x; x=GHI; echo $x
#### export-p
export zz_x='a "b" $c'; export -p | grep zz_x
#### declare-F
f() { :; }; g() { :; }; declare -F | tail -2; declare -F f nosuch; echo $?
#### typeset
typeset -i n=4+4; echo $n
#### trace
declare -t x=1; declare -p x
#### inherit
x=1; f() { local -I x; echo $x; x=2; }; f; echo $x
#### invalid-option: line
declare -Z x; echo $?
#### invalid-name: line
declare 1x=2; echo $?; declare 'a b=c'; echo $?
#### array-to-scalar
a=(1 2); a=3; declare -p a; s=x; s[1]=y; declare -p s
#### assoc-conversion: line
a=(1); declare -A a; echo $?
#### unset-readonly: line
readonly q=1; unset q; echo $? $q
#### print-quoted: handler
x=$'a\nb\'c"d$e`f\\'; declare -p x; set | grep -A1 ^x=
#### set-lists-functions
f() { :; }; set | grep -A2 '^f '
#### unset-v-and-f
x=1; x() { echo fx; }; unset x; x; unset x; x; echo $?
#### compgen
zz_1=1; zz_2=1; compgen -v zz_; compgen -W 'apple bear' a; compgen -A signal SIGI
#### alias
shopt -s expand_aliases
alias hi='echo hello'; alias
hi you
unalias hi; hi
#### alias-not-asked-for: alias
alias hi='echo hello'
hi you
#### alias-trailing-blank
shopt -s expand_aliases
alias s='echo ' w='word'
s w w
#### alias-in-the-same-line
shopt -s expand_aliases; alias same='echo same'; same
#### alias-a-keyword
shopt -s expand_aliases
alias begin='{' end='}'
begin echo braced; end
#### unalias-all: line
shopt -s expand_aliases
alias a=b; unalias -a; alias; unalias nosuch; echo $?

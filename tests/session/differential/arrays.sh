#### indexed
a=(1 '2 3' "4"); echo ${#a[@]} "${a[1]}" "${a[@]}" "${!a[@]}"; printf '<%s>' "${a[*]}"; echo
#### sparse
a=([5]=five [2]=two); a+=(six); echo "${!a[@]}" "${a[@]}"; unset 'a[5]'; declare -p a
#### slices
a=(a b c d e); echo "${a[@]:1:2}" "${a[@]: -2}" "${a[*]:3}" ${a[-1]}
#### ifs-join
IFS=,; a=(1 2 3); echo "${a[*]}"; echo ${a[*]}
#### associative
declare -A m=([k]=v ['a b']='c d'); m[x]=y; echo "${m[k]}" "${m[a b]}" ${#m[@]}; unset 'm[k]'; declare -p m
#### associative-keys-with-brackets
declare -A m; m["a]b"]=1; m['$x']=2; for k in "${!m[@]}"; do echo "$k=${m[$k]}"; done | sort
#### append-element
a=(x); a[0]+=y; a+=(z); echo "${a[@]}"
#### copy
a=(1 2); b=("${a[@]}" 3); a[0]=9; echo "${b[@]}"
#### replace-in-elements
a=(foo boo); echo "${a[@]/o/0}" "${a[@]//o/0}" "${a[@]^}" "${a[@]#?}"
#### negative-out-of-range: line
a=(1); echo "${a[-2]}"; echo $?
#### assign-bad-subscript: line
a=(1); a[-5]=x; echo $? "${a[@]}"
#### mapfile
mapfile -t lines < <(printf 'a\nb c\n\nd'); declare -p lines
#### mapfile-options
mapfile -d: -s1 -n2 x <<<a:b:c:d; declare -p x
#### readarray-callback
cb() { echo "cb $1 $2"; }; readarray -t -c1 -C cb x < <(printf '1\n2\n')
#### read-array
IFS=: read -ra parts <<<a:b::c; declare -p parts
#### arithmetic-subscripts
i=1; a=(10 20 30); echo ${a[i+1]} ${a[i++]} $i $((a[0] + a[2]))
#### unset-all
a=(1 2); unset a; echo "${a[@]-none}" ${#a[@]}
#### local-array
f() { local -a a=(1 2); echo ${#a[@]}; }; a=(x); f; echo ${#a[@]}
#### nameref
a=(1 2 3); declare -n r=a; r+=(4); echo "${r[@]}" "${!r}"
#### transform
a=(1 2); declare -A m=([k]=v); echo "${a[@]@K}" "${m[@]@k}" "${a[@]@A}"
#### as-arguments
f() { echo $#: "$@"; }; a=('x y' '' z); f "${a[@]}"; f ${a[@]}; f "${a[*]}"
#### large
a=({1..20000}); echo ${#a[@]} ${a[19999]}; echo "${a[*]}" | md5sum
#### pipestatus
(exit 3) | (exit 4) | true; echo "${PIPESTATUS[@]}" $?
#### readonly-element: line
readonly -a a=(1 2); a[0]=3; echo "${a[0]}"
#### is-set
a=([1]=x); [[ -v a[1] ]] && echo set; [[ -v a[0] ]] || echo unset; [[ -v a ]] || echo none

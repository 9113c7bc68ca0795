#### star
touch a b .c; echo * .* ?
#### brackets
touch a1 b2 c3; echo [ab]* [!a]* [[:alpha:]]3 *[0-2]
#### no-match
echo *.nosuch; echo [x]
#### nullglob
shopt -s nullglob; echo *.nosuch end; shopt -u nullglob
#### failglob: line
shopt -s failglob; echo *.nosuch; echo after
#### dotglob
touch a .b; shopt -s dotglob; echo *
#### globstar
mkdir -p d/e; touch d/e/f d/g; shopt -s globstar; echo **; echo **/f
#### extglob
shopt -s extglob
touch a.c b.h d.o; echo !(*.c|*.h) @(a|b).* *(a).c +([a-z]).o ?(x)d.o
#### extglob-in-patterns
shopt -s extglob
x=aaabbb; echo ${x##+(a)} ${x%%+(b)} ${x//@(a|b)/-}
#### nocaseglob
touch A; shopt -s nocaseglob; echo a*
#### quoted
touch 'a*b' acb; echo 'a*b' "a*b" a\*b a*b
#### in-variables
touch f1 f2; x='f*'; echo $x "$x"
#### spaces
touch 'a b' 'c  d'; for f in *; do echo "<$f>"; done; ls
#### newline-in-name
touch $'a\nb'; for f in *; do printf '%q\n' "$f"; done
#### globignore
touch a b c; GLOBIGNORE=b; echo *
#### directories
mkdir d e; touch f; echo */ d/*
#### braces
echo {a,b}{1,2} x{,y} {1..5} {5..1..2} {a..e..2} {01..03} {x} {} a{b,c{d,e}}
#### braces-with-variables
x=3; echo {1..$x}; eval echo {1..$x}; echo {$x,4}
#### braces-quoted
echo '{a,b}' "{a,b}" \{a,b} {a\,b,c} {"a b",c}
#### assignment-no-glob
touch f; x=*; echo "$x"; y=(*); echo "${y[@]}"
#### case-patterns
for x in abc a.c '' '*' 5; do case $x in a?c) echo 1 ;; \*) echo star ;; '') echo empty ;; [0-9]) echo num ;; esac; done
#### case-fall-through
case a in a) echo a ;& b) echo b ;;& c) echo c ;; *) echo all ;; esac
#### sorted
touch b a C 1; echo *
#### tilde-and-dots
mkdir d; cd d; echo ../*; cd ..
#### long-list
mkdir m; touch m/{1..300}; echo m/* | wc -w

#### operators
echo $((1 + 2 * 3 - 4 / 3 % 2)) $((2 ** 10)) $((7 / -2)) $((-7 % 3)) $((5 & 3 | 8 ^ 1)) $((~0)) $((1 << 4 >> 2))
#### bases
echo $((0x1f)) $((010)) $((2#1011)) $((36#z)) $((64#_)) $((16#FF))
#### comparisons
echo $((1 < 2)) $((2 <= 1)) $((1 == 1 && 0 || 1)) $((!5)) $((3 > 2 ? 10 : 20))
#### assignments
x=5; ((x += 3, x *= 2)); echo $x $((x++)) $((++x)) $((x--)) $x
#### overflow
echo $((9223372036854775807 + 1)) $((-9223372036854775808))
#### divide-by-zero: line
echo before; echo $((1 / 0)); echo after
#### divide-by-zero-in-let: line
let 'x = 1 / 0'; echo $?; ((1 % 0)); echo $?
#### syntax: line
echo $((1 +)); echo after
#### syntax-in-subshell: line
(echo $((1 +))); echo $?
#### bad-base: line
(echo $((3#9))); echo $?; (echo $((09))); echo $?
#### let
let a=1+2 b=a*2; echo $a $b $?; let 0; echo $?
#### double-parentheses-status
((5)); echo $?; ((0)); echo $?; ((1 > 2)) || echo no
#### c-style-for
for ((i = 0, j = 10; i < 3; i++, j -= 2)); do echo $i $j; done
#### variables-by-name
x=y; y=z; z=7; echo $((x)) $((x + 1))
#### strings
x='1 + 2'; echo $((x * 2)) $(($x * 2))
#### empty
echo $(( )) $((nothing)) $((nothing + 1))
#### old-form
echo $[1 + 2]
#### integer-variables
declare -i n=5+5; n+=1; echo $n; n=abc; echo $n
#### recursion-limit: line
(x=x; echo $((x))); echo $?
#### comma
echo $((1, 2, 3))
#### random-seeded
RANDOM=42; echo $RANDOM $RANDOM $((RANDOM % 100))
#### side-effects-in-conditions
i=0; while ((i++ < 3)); do echo -n $i; done; echo
#### printf-numbers
printf '%d %i %o %x %X %u %e %.2f %g\n' 42 -7 8 255 255 3 12345.678 3.14159 0.0001
#### bc-like-float
printf '%.3f\n' $((10**3))e-3 1.5

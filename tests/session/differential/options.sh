#### errexit
set -e; echo a; false; echo never
#### errexit-in-conditions
set -e; if false; then :; fi; false || echo or; false && echo and; ! true; while false; do :; done; echo end
#### errexit-in-function
set -e; f() { false; echo in; }; f || echo or; f; echo never
#### errexit-pipeline
set -e; false | true; echo a; true | false; echo never
#### errexit-subshell
set -e; (exit 3); echo never
#### errexit-arithmetic
set -e; ((1)); echo a; ((0)); echo never
#### errexit-assignment
set -e; x=$(exit 4); echo never
#### errexit-local-hides
set -e; f() { local x=$(false); echo reached; }; f
#### errexit-off-again
set -e; set +e; false; echo reached
#### nounset: line abort
set -u; echo before; echo $nosuch; echo after
#### nounset-default
set -u; echo ${nosuch-default} ${nosuch:-d} "${nosuch+set}" "$@" $*
#### nounset-positional: line abort
set -u; echo before; echo $1
#### nounset-in-subshell: line
(set -u; echo $nosuch; echo never); echo $?
#### nounset-array
set -u; a=(); echo "${a[@]}" ${#a[@]}; echo ${a[0]-none}
#### nounset-arithmetic: line
(set -u; echo $((nosuch + 1))); echo $?
#### xtrace
set -x; echo a 'b c'; x=1; [[ $x = 1 ]] && : "q $x"; set +x
#### xtrace-ps4: trace
PS4='>$((1 + 1)) '; set -x; echo a; (echo b); { set +x; } 2>/dev/null
#### xtrace-for-and-case
set -x; for i in 1 2; do case $i in 1) : one ;; esac; done; set +x
#### xtracefd: trace
exec 7>trace; BASH_XTRACEFD=7; set -x; echo a; set +x; exec 7>&-; cat trace
#### verbose
set -v
echo a
set +v
#### noglob
set -f; echo *; set +f
#### noclobber: line
set -C; echo a >f; echo b >f; echo $?; echo c >|f; cat f
#### allexport
set -a; x=1; set +a; y=2; bash -c 'echo $x $y.'
#### noexec: noexec
set -n; echo not run
#### pipefail-listed
set -o pipefail; set -o | grep pipefail; set +o | grep pipefail
#### flags: flags
set -fu; echo $-
#### options-listed: control emacs
set -o
#### shopt-listed: alias
shopt
#### shopt-query
shopt -q extglob; echo $?; shopt -s extglob; shopt -q extglob; echo $?; shopt -u extglob
#### shopt-unknown: line
shopt -s nosuchoption; echo $?
#### set-unknown: line
set -o nosuchoption; echo $?; set -Z; echo $?
#### positional
set -- a 'b c' d; echo $# "$2"; shift; echo "$@"; shift 5; echo $? $#
#### positional-kept
set -- x y; f() { echo $#; set -- 1; echo $#; }; f; echo $#
#### dollar-star
set -- 'a b' c; IFS=-; echo "$*"; echo $*; for i; do echo "<$i>"; done
#### dollar-zero
echo $0 "${0##*/}"
#### no-arguments
echo $# "[$*]"
#### functrace
set -T; f() { :; }; trap 'echo d' DEBUG; f; trap - DEBUG
#### posix
set -o posix; x=1 :; echo $x; echo $POSIXLY_CORRECT; set +o posix
#### braceexpand-off
set +B; echo {a,b}; set -B; echo {a,b}
#### hashall-off: flags
set +h; echo $-; set -h
#### errexit-with-eval
set -e; eval 'false; echo never'
#### errexit-command-not-found
set -e; nosuchcommand; echo never
#### monitor-on: flags
set -m; echo $-; set +m
#### keyword
set -k; bash -c 'echo $x' x=1; set +k
#### ignoreeof
set -o ignoreeof; echo a

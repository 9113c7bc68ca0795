#!/usr/bin/env bash
# The commands clear, reset and tput, for a notebook: Lambda's image has none of them, and no terminfo.
# The kernel sends this file into the environment, under each of these names.
# A notebook shows colours and styles (SGR in ECMA-48). It has no cursor to move, so that those capabilities of terminfo
# are empty; clearing takes away what the cell has shown so far.

clear_output() {
    if [[ ${LAMBDA_KERNEL_SHELL-} ]]; then
        # As `display` says what to show (display.py): only the kernel understands it.
        printf '\e]5379;%s;%04x%04x;0.{"clear": true}\a' "$LAMBDA_KERNEL_SHELL" $RANDOM $RANDOM
    else
        printf '\e[H\e[2J'
    fi
}

colour() { # 3 or 4 for the foreground or the background, and a number
    local number=$2
    case $number in '' | *[!0-9]*) return 1 ;; esac
    ((number < 256)) || return 1
    if ((number < 8)); then printf '\e[%dm' $((${1}0 + number))
    elif ((number < 16)); then printf '\e[%dm' $((${1}0 + number + 52))
    else printf '\e[%d8;5;%dm' "$1" "$number"; fi
}

swapped=(0 4 2 6 1 5 3 7) # setf and setb count blue before red (terminfo(5), Color Handling)

# The capabilities by their names in terminfo(5), some of them with termcap's.
capability() {
    case $1 in
        setaf | AF) colour 3 "${2-}" ;;
        setab | AB) colour 4 "${2-}" ;;
        setf) colour 3 "${swapped[${2-0}]-$2}" ;;
        setb) colour 4 "${swapped[${2-0}]-$2}" ;;
        bold | md) printf '\e[1m' ;;
        dim | mh) printf '\e[2m' ;;
        sitm | ZH) printf '\e[3m' ;;
        smul | us) printf '\e[4m' ;;
        blink | mb) printf '\e[5m' ;;
        rev | smso | mr | so) printf '\e[7m' ;;
        invis | mk) printf '\e[8m' ;;
        smxx) printf '\e[9m' ;;
        ritm | ZR) printf '\e[23m' ;;
        rmul | ue) printf '\e[24m' ;;
        rmso | se) printf '\e[27m' ;;
        rmxx) printf '\e[29m' ;;
        op) printf '\e[39;49m' ;;
        sgr0 | me | init | rs1 | rs2 | is2) printf '\e[0m' ;;
        sgr) printf '\e[0%s%s%s%s%s%sm' "${2:+$(on "$2" 7)}" "${3:+$(on "$3" 4)}" "${4:+$(on "$4" 7)}" \
            "${5:+$(on "$5" 5)}" "${6:+$(on "$6" 2)}" "${7:+$(on "$7" 1)}" ;;
        clear | cl | reset) clear_output ;;
        cols | co) echo "${COLUMNS:-80}" ;;
        lines | li) echo "${LINES:-24}" ;;
        colors | Co) echo 256 ;;
        pairs | pa) echo 32767 ;;
        longname) echo 'a notebook' ;;
        cr) printf '\r' ;;
        bel) printf '\a' ;;
        am | xenl | msgr) ;;
        bce | hs | km) return 1 ;;
        cup | home | el | el1 | ed | cuu | cuu1 | cud | cud1 | cuf | cuf1 | cub | cub1 | hpa | vpa | sc | rc | civis) ;;
        cnorm | cvvis | smcup | rmcup | smkx | rmkx | smam | rmam | smacs | rmacs | enacs | ich | ich1 | il | il1) ;;
        dch | dch1 | dl | dl1 | ech | ind | indn | ri | rin | csr | flash | tsl | fsl | dsl | cbt | tbc | hts | ht) ;;
        *) echo "tput: unknown terminfo capability '$1'" >&2; return 4 ;;
    esac
}

on() { [[ $1 = 0 ]] || printf ';%s' "$2"; }

case ${0##*/} in clear | reset) clear_output; exit ;; esac
while [[ ${1-} = -* ]]; do
    case $1 in
        -T) shift 2 || exit 2 ;;
        -T*) shift ;;
        -V) echo 'tput of lambda-kernel'; exit ;;
        -x) shift ;;
        -S)
            status=0
            while read -ra words; do ((${#words[@]} == 0)) || capability "${words[@]}" || status=4; done
            exit $status ;;
        --) shift; break ;;
        *) echo 'usage: tput [-S] [-T TERM] CAPABILITY [PARAMETER…]' >&2; exit 2 ;;
    esac
done
[[ $# -gt 0 ]] || { echo 'usage: tput [-S] [-T TERM] CAPABILITY [PARAMETER…]' >&2; exit 2; }
capability "$@"

if [ -e "$HOME" ]; then
    for f in "$HOME"/*.c; do  # each
        echo "${f##*/} `true` $(( 1 + 2 ))" 'it'\''s' && true ||
            echo no \
              more
    done
elif [[ a == b && ! ( c < d ) ]]; then : <<E
body's "$(
E
else { true; } fi

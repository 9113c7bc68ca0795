f() {
	local a=(1 "2 3" $(echo 4)) b=${1:-"x y"}
	case "$b" in
		x\ *|[ab]) echo "$(: <<-'Q'
			quo'te
			Q
echo done)" ;;
		(*) while false; do true & done ;&
		esac) ;;
	esac >/dev/null 2>&1 | cat
}
f "$@" # it's

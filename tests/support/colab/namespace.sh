# The root's own mount and process namespace. Started by root.py, with everything it needs in the environment:
#   STAGE   an existing folder; a tmpfs is mounted there (in a copy of another root: a folder of that root's tmpfs)
#   SIZE    of that tmpfs; empty in a copy
#   LAYERS  the finished layers, topmost first, separated by colons
#   BINDS   lines of OUTSIDE<tab>INSIDE, mounted read-only
#   COMPLETE  not empty where LAYERS already ends in the machine's own root
# Says its process id, as the outside sees it, when the root stands, and lives until its standard input is closed:
# then every process in the root is killed and every mount is gone, however its starter ended.
set -eu

# The procfs seen here is still the outside's.
read -r pid _ < /proc/self/stat

[ -z "$SIZE" ] || mount -t tmpfs -o "size=$SIZE,mode=0755" colab "$STAGE"
cd "$STAGE"
mkdir hidden machine places upper work root pristine

# A whiteout: the layers below end here, so what a layer above has at this path stands alone.
hide() {
    for path; do
        if [ -e "$path" ] || [ -L "$path" ]; then
            mkdir -p "hidden${path%/*}"
            [ -e "hidden$path" ] || mknod "hidden$path" c 0 0
        fi
    done
}

# Of this machine only libraries and ordinary commands are to be seen: no Python, no conda, no pip configuration.
if [ -z "$COMPLETE" ]; then
    for entry in /*; do
        case "$entry" in
            /bin | /etc | /lib | /lib32 | /lib64 | /libx32 | /sbin | /usr | /var) ;;
            *) hide "$entry" ;;
        esac
    done
    hide /usr/local /usr/lib/google-cloud-sdk /usr/share/jupyter /usr/share/python* /usr/lib/python* /usr/lib/pypy* /usr/include/python*
    hide /usr/bin/*python* /usr/bin/pip* /usr/bin/pydoc* /usr/bin/py3* /usr/bin/2to3* /usr/bin/idle* /usr/bin/uv*
    hide /usr/bin/*conda* /usr/bin/*mamba* /usr/bin/jupyter* /usr/bin/ipython* /usr/lib/*/libpython*
    hide /etc/pip.conf /etc/xdg /etc/python* /etc/ipython /etc/jupyter /etc/conda /etc/alternatives/python*
    hide /var/cache /var/log /var/tmp
fi

# Places to mount upon lie in a layer, or they would look like changes.
printf '%s\n' "$BINDS" | while IFS='	' read -r outside inside; do
    if [ -d "$outside" ]; then
        mkdir -p "places$inside"
    elif [ -n "$outside" ]; then
        mkdir -p "places${inside%/*}"
        : > "places$inside"
    fi
done

# The machine is an overlay of its own: a layer may not lie inside another one, and the others lie in its files.
if [ -z "$COMPLETE" ]; then
    mount -t overlay -o "ro,lowerdir=$STAGE/hidden:/" machine machine
    LAYERS="$LAYERS:$STAGE/machine"
fi
lower="$STAGE/places:$LAYERS"
mount -t overlay -o "ro,lowerdir=$lower" pristine pristine
mount -t overlay -o "lowerdir=$lower,upperdir=$STAGE/upper,workdir=$STAGE/work,redirect_dir=on" colab root
mount -t proc proc root/proc
mount --rbind /dev root/dev
mount -t tmpfs -o mode=1777 shm root/dev/shm
mount --rbind -o ro /sys root/sys
printf '%s\n' "$BINDS" | while IFS='	' read -r outside inside; do
    [ -z "$outside" ] || mount --bind -o ro "$outside" "root$inside"
done

echo "$pid $lower"
exec 2> /dev/null
# bash also takes in the processes that lose their parent, as an init has to.
exec bash -c 'while read -r _; do :; done'

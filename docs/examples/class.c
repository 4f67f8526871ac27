/* class PATH: prints the class of a file or directory of a shmapfs mount. It is C++ as well.
 *
 *     cc class.c $(pkg-config --cflags --libs shmap) -o class
 */
#include <shmap.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    enum shmap_class which;
    int error = argc == 2 ? shmap_class_get(argv[1], &which) : 0;

    if (argc != 2 || error != 0) {
        fprintf(stderr, "class: %s\n", argc == 2 ? strerror(-error) : "name one path");
        return 1;
    }
    printf("%s\n", shmap_class_name(which));
    return 0;
}

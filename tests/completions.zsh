# SPDX-License-Identifier: BSD-2-Clause
#
# zsh -f completions.zsh DIRECTORY: for each line of standard input, a line with what Tab offers, in
# the order of the alphabet, and with what zsh complains of.

setopt extended_glob

if [[ -o interactive ]]; then # the shell whose Tab is pressed
    PS1= PS2=
    fpath=($directory $fpath)
    autoload -Uz compinit
    compinit -D -u

    # Writes down what is offered.
    compadd() {
        local -a found
        # With -O, -A or -D candidates are looked at alone.
        if [[ "${@[1,(i)(-|--)]} " != *-[a-zA-Z]#[OAD]\ * ]]; then
            builtin compadd -O found "$@"
            (( ! $#found )) || print -rl -- $IPREFIX$^found >>$offered
        fi
        builtin compadd "$@"
    }

    # Neither changes the line nor shows a list. In two parts: the terminal shows what was typed.
    answered() {
        compstate[insert]= compstate[list]=
        comppostfuncs=(answered)
        print -n 'ANSW''ERED'
    }
    comppostfuncs=(answered)
    print 'REA''DY'
    return
fi

export directory=$1 offered=$(mktemp)
zmodload zsh/zpty
zpty shell 'TERM=dumb zsh -f -i'
zpty -w shell ". ${0:A}"
zpty -r shell shown '*READY*'
while IFS= read -r line; do
    : >$offered
    zpty -w -n shell $'\x15'$line$'\t'
    zpty -r shell shown '*ANSWERED*'
    print -r -- ${(ou)${(f)"$(<$offered)"}} ${(M)${(f)shown}:#*_[a-z]##:*:[0-9]##:*}
done
zpty -d shell
rm $offered

//! `repro completions`: the completions of a shell. Names of claims, figures and items are part of
//! the script where the shell allows it; others, such as those of records, and of claims and figures
//! where one typed `--claims DIR`, the script asks for with `repro complete-names` while one types.

use std::io::Write;

use clap::{Arg, Args, Command, builder::PossibleValuesParser};
use clap_complete::Shell;

use super::{Failure, Outcome, Suites, complete_names::Names, messages::stdout};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro completions bash > ~/.local/share/bash-completion/completions/repro
  repro completions zsh > ~/.zfunc/_repro                   with ~/.zfunc in fpath
  repro completions fish > ~/.config/fish/completions/repro.fish";

#[derive(Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Arguments whose names are part of the script: the command, the argument, the names.
const FIXED: [(&str, &str, Names); 9] = [
    ("verify", "ids", Names::Claims),
    ("show", "ids", Names::Claims),
    ("plan", "ids", Names::Claims),
    ("power", "ids", Names::Claims),
    ("sensitivity", "id", Names::Claims),
    ("plan", "figures", Names::Figures),
    ("figure", "names", Names::Figures),
    ("fetch", "names", Names::Items),
    ("sensitivity", "choices", Names::Choices),
];

impl Completions {
    pub(super) fn run(&self, command: &Command, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        let mut command = visible(command);
        for (subcommand, argument, names) in FIXED {
            let names = names.all(suites)?;
            command = command.mut_subcommand(subcommand, |subcommand| {
                subcommand.mut_arg(argument, |argument| {
                    argument.value_parser(PossibleValuesParser::new(names))
                })
            });
        }
        // In memory first: clap_complete panics where standard output is closed.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "repro", &mut script);
        let script = with_names(self.shell, &String::from_utf8_lossy(&script), suites)?;
        stdout().write_all(script.as_bytes())?;
        Ok(Outcome::Done)
    }
}

/// The command without hidden subcommands and options: clap_complete offers them all, and old
/// spellings are not to be learned.
fn visible(command: &Command) -> Command {
    let shown = |argument: &&Arg| !argument.is_hide_set();
    let subcommands = command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set());
    let new = Command::new(command.get_name().to_owned())
        .about(command.get_about().cloned().unwrap_or_default())
        .args(command.get_arguments().filter(shown).cloned())
        .subcommands(subcommands.map(visible));
    match command.get_version() {
        Some(version) => new.version(version.to_owned()),
        None => new,
    }
}

/// The script with names that it asks the program for.
fn with_names(shell: Shell, script: &str, suites: &Suites<'_>) -> Result<String, Failure> {
    Ok(match shell {
        Shell::Bash => script.to_owned() + BASH,
        Shell::Fish => script.to_owned() + FISH,
        Shell::Zsh => {
            let (first, rest) = script.split_once('\n').unwrap_or((script, ""));
            let of_record = |line: &str| {
                let name = line.trim_start().trim_start_matches(['\'', '*', ':']);
                name.starts_with("record --") || name.starts_with("records --")
            };
            let own = [(Names::Claims, "claims"), (Names::Figures, "figures")];
            let own = own.map(|(names, of)| {
                let list = names.all(suites)?.join(" ");
                Ok::<_, Failure>((format!(":({list})'"), format!(":_repro_names {of}'")))
            });
            let own = own.into_iter().collect::<Result<Vec<_>, _>>()?;
            let line = |line: &str| {
                if of_record(line) {
                    return line.replace(":_default'", ":_repro_names records'");
                }
                let of = |line: String, (list, ask): &(String, String)| line.replace(list, ask);
                own.iter().fold(line.to_owned(), of)
            };
            let rest: Vec<String> = rest.lines().map(line).collect();
            format!("{first}\n{ZSH}{}\n", rest.join("\n"))
        }
        _ => script.to_owned(),
    })
}

const BASH: &str = r#"
# Names of records, and of claims and figures in a folder that was typed, listed by the program.
_repro_with_names() {
    _repro "$@"
    local typed="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" names="" folder="" at
    [[ "$typed" == -* || "$before" == --* ]] && return
    for ((at = 1; at < COMP_CWORD - 1; at++)); do
        [[ "${COMP_WORDS[at]}" == --claims ]] && folder="${COMP_WORDS[at+1]}"
    done
    case " ${COMP_WORDS[*]:1:COMP_CWORD-1} " in
        *" rerun "* | *" records show "*) names=records ;;
        *" records "*) ;;
        *" figure "*) [[ -n "$folder" ]] && names=figures ;;
        *" verify "* | *" show "* | *" power "*) [[ -n "$folder" ]] && names=claims ;;
    esac
    if [[ "$names" == records ]]; then
        COMPREPLY+=($(compgen -W "$(repro complete-names records 2>/dev/null)" -- "$typed"))
    elif [[ -n "$names" ]]; then
        local list="$(repro complete-names "$names" --claims "$folder" 2>/dev/null)"
        COMPREPLY=($(compgen -W "$list" -- "$typed"))
    fi
}
complete -F _repro_with_names -o bashdefault -o default repro
"#;

const ZSH: &str = r#"
# Names, listed by the program; those of a folder of claims where one was typed.
_repro_names() {
    local -a folder
    local at=${words[(I)--claims]}
    (( at > 0 && at < $#words )) && folder=(--claims "${(Q)words[at+1]}")
    compadd -- ${(f)"$(repro complete-names $1 $folder 2>/dev/null)"}
}
"#;

const FISH: &str = r#"
# Names, listed by the program: the script has none of arguments.
function __repro_names
    set -l typed (commandline -opc)
    set -l at (contains -i -- --claims $typed)
    and test $at -lt (count $typed)
    and set -a argv --claims $typed[(math $at + 1)]
    repro complete-names $argv 2>/dev/null
end
function __repro_of_records
    __fish_seen_subcommand_from rerun
    or begin
        __fish_seen_subcommand_from records
        and __fish_seen_subcommand_from show
    end
end
function __repro_of_claims
    __fish_seen_subcommand_from verify show plan power sensitivity
    and not __fish_seen_subcommand_from records
end
complete -c repro -n __repro_of_records -f -a '(__repro_names records)'
complete -c repro -n __repro_of_claims -f -a '(__repro_names claims)'
complete -c repro -n '__fish_seen_subcommand_from figure' -f -a '(__repro_names figures)'
complete -c repro -n '__fish_seen_subcommand_from fetch' -f -a '(__repro_names items)'
"#;

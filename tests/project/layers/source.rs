//! A parsed source file: tokens without comments and literals, the literals, and the paths from the
//! crate's root.

use std::path::{Path, PathBuf};

/// A parsed source file.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) tokens: Vec<Token>,
    pub(super) literals: Vec<Literal>,
    pub(super) uses: Vec<Use>,
}

/// A word, `::` or one other character of the code.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: usize,
    pub(super) in_use: bool,
}

/// The text of a string literal, with blanks in place of escapes; line breaks are kept.
#[derive(Debug, PartialEq)]
pub(super) struct Literal {
    pub(super) line: usize,
    pub(super) text: String,
}

/// A path from the crate's root: `[module, ..]`.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) line: usize,
    pub(super) written: String,
    pub(super) target: Vec<String>,
    pub(super) in_test: bool,
}

impl File {
    pub(super) fn new(path: PathBuf, text: &str) -> Self {
        let (code, literals) = Lexer::split(text);
        let tokens = tokens(&code);
        let uses = Walk::uses(&tokens, module_path(&path));
        Self { path, tokens, literals, uses }
    }

    /// The first module of the file's path; none for `lib.rs` and the programs.
    pub(super) fn top_module(&self) -> Option<String> {
        module_path(&self.path).into_iter().next()
    }

    pub(super) fn is_program(&self) -> bool {
        self.path == Path::new("src/main.rs") || self.path.starts_with("src/bin")
    }

    pub(super) fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }

    pub(super) fn finding(&self, line: usize, what: &str) -> String {
        format!("{}: {what}", self.place(line))
    }

    /// A token by its index, and "" outside.
    pub(super) fn token(&self, index: Option<usize>) -> &str {
        index.and_then(|index| self.tokens.get(index)).map_or("", |token| &token.text)
    }
}

/// The module that a file holds: `src/a/b.rs` and `src/a/b/mod.rs` hold `[a, b]`.
pub(super) fn module_path(file: &Path) -> Vec<String> {
    let path = file.strip_prefix("src").unwrap_or(file).with_extension("");
    if path.starts_with("bin") || [Path::new("lib"), Path::new("main")].contains(&path.as_path()) {
        return Vec::new();
    }
    let parts = path.iter().map(|part| part.to_string_lossy().into_owned());
    parts.filter(|part| part != "mod").collect()
}

// The lexer.

/// Separates code from comments and literals.
pub(super) struct Lexer {
    pub(super) chars: Vec<char>,
    pub(super) at: usize,
    pub(super) line: usize,
    pub(super) code: String,
    pub(super) literals: Vec<Literal>,
}

impl Lexer {
    /// The code with blanks in place of comments and literals, line for line; the string literals.
    pub(super) fn split(text: &str) -> (String, Vec<Literal>) {
        let chars = text.chars().collect();
        let mut lexer = Self { chars, at: 0, line: 1, code: String::new(), literals: Vec::new() };
        while lexer.at < lexer.chars.len() {
            lexer.step();
        }
        (lexer.code, lexer.literals)
    }

    pub(super) fn step(&mut self) {
        match (self.peek(0), self.peek(1)) {
            ('/', '/') => self.line_comment(),
            ('/', '*') => self.block_comment(),
            ('"', _) => self.string(),
            ('\'', _) => self.quote(),
            (char, _) if is_word(char) => self.word(),
            _ => self.keep(),
        }
    }

    /// The character so far ahead; NUL after the end.
    pub(super) fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    pub(super) fn ended(&self) -> bool {
        self.at >= self.chars.len()
    }

    pub(super) fn keep(&mut self) {
        let char = self.peek(0);
        self.push(char);
    }

    pub(super) fn blank(&mut self, count: usize) {
        for _ in 0..count {
            let char = if self.peek(0) == '\n' { '\n' } else { ' ' };
            self.push(char);
        }
    }

    /// Steps over a character, with another one in its place.
    pub(super) fn push(&mut self, char: char) {
        self.line += usize::from(char == '\n');
        self.code.push(char);
        self.at += 1;
    }

    pub(super) fn line_comment(&mut self) {
        while !self.ended() && self.peek(0) != '\n' {
            self.blank(1);
        }
    }

    pub(super) fn block_comment(&mut self) {
        let mut depth = 0;
        while !self.ended() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    self.blank(1);
                    continue;
                }
            }
            self.blank(2);
            if depth == 0 {
                return;
            }
        }
    }

    /// A word, and the raw string that it may begin: `r".."`, `br#".."#`.
    pub(super) fn word(&mut self) {
        let from = self.at;
        while is_word(self.peek(0)) {
            self.keep();
        }
        let word: String = self.chars[from..self.at].iter().collect();
        let hashes = self.chars[self.at..].iter().take_while(|char| **char == '#').count();
        if ["r", "br", "cr"].contains(&word.as_str()) && self.peek(hashes) == '"' {
            self.raw_string(hashes);
        }
    }

    pub(super) fn raw_string(&mut self, hashes: usize) {
        let line = self.line;
        self.blank(hashes + 1);
        let mut text = String::new();
        while !self.ended() && !self.closes_raw(hashes) {
            text.push(self.peek(0));
            self.blank(1);
        }
        self.blank(hashes + 1);
        self.literals.push(Literal { line, text });
    }

    pub(super) fn closes_raw(&self, hashes: usize) -> bool {
        self.peek(0) == '"' && (1..=hashes).all(|ahead| self.peek(ahead) == '#')
    }

    pub(super) fn string(&mut self) {
        let line = self.line;
        self.blank(1);
        let mut text = String::new();
        while !self.ended() && self.peek(0) != '"' {
            if self.peek(0) == '\\' {
                text.push(' ');
                text.push(if self.peek(1) == '\n' { '\n' } else { ' ' });
                self.blank(2);
            } else {
                text.push(self.peek(0));
                self.blank(1);
            }
        }
        self.blank(1);
        self.literals.push(Literal { line, text });
    }

    /// A character literal, or the quote of a lifetime.
    pub(super) fn quote(&mut self) {
        if self.peek(1) == '\\' {
            self.blank(3);
            while !self.ended() && self.peek(0) != '\'' {
                self.blank(1);
            }
            self.blank(1);
        } else if self.peek(2) == '\'' {
            self.blank(3);
        } else {
            self.keep();
        }
    }
}

pub(super) fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

pub(super) fn tokens(code: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (index, text) in code.split('\n').enumerate() {
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = rest.find(|char| !is_word(char)).unwrap_or(rest.len());
            let length = match word {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                word => word,
            };
            tokens.push(Token { text: rest[..length].to_owned(), line: index + 1, in_use: false });
            rest = rest[length..].trim_start();
        }
    }
    mark_uses(&mut tokens);
    tokens
}

/// Marks the tokens from `use` to its semicolon; `use<'a>` in a type is no such statement.
pub(super) fn mark_uses(tokens: &mut [Token]) {
    let mut in_use = false;
    for index in 0..tokens.len() {
        let followed = tokens.get(index + 1).is_some_and(|next| next.text != "<");
        in_use = match tokens[index].text.as_str() {
            "use" => followed,
            ";" => false,
            _ => in_use,
        };
        tokens[index].in_use = in_use;
    }
}

// The paths.

/// The kind of an open brace.
pub(super) enum Scope {
    Block,
    Module,
    TestModule,
}

/// Walks over the tokens of a file, aware of the module it is in, and collects paths from the root.
pub(super) struct Walk<'a> {
    pub(super) tokens: &'a [Token],
    pub(super) at: usize,
    pub(super) module: Vec<String>,
    pub(super) scopes: Vec<Scope>,
    /// `#[cfg(test)]` precedes the item.
    pub(super) for_tests: bool,
    pub(super) uses: Vec<Use>,
}

impl<'a> Walk<'a> {
    pub(super) fn uses(tokens: &'a [Token], module: Vec<String>) -> Vec<Use> {
        let (scopes, uses) = (Vec::new(), Vec::new());
        let mut walk = Self { tokens, at: 0, module, scopes, for_tests: false, uses };
        while walk.at < tokens.len() {
            walk.step();
        }
        walk.uses
    }

    pub(super) fn step(&mut self) {
        match self.peek(0) {
            "use" => {
                self.at += 1;
                self.tree(&[]);
            }
            "mod" if self.peek(2) == "{" => self.enter_module(),
            "{" => self.enter(Scope::Block),
            "}" => self.leave(),
            "crate" | "self" | "super" | "repro" if self.peek(1) == "::" => self.inline_path(),
            other => {
                self.for_tests = (self.for_tests && other != ";") || self.is_cfg_test();
                self.at += 1;
            }
        }
    }

    pub(super) fn peek(&self, ahead: usize) -> &'a str {
        self.tokens.get(self.at + ahead).map_or("", |token| &token.text)
    }

    pub(super) fn is_cfg_test(&self) -> bool {
        let attribute = ["#", "[", "cfg", "(", "test", ")", "]"];
        attribute.iter().enumerate().all(|(ahead, text)| self.peek(ahead) == *text)
    }

    pub(super) fn enter_module(&mut self) {
        self.module.push(self.peek(1).to_owned());
        self.at += 2;
        self.enter(if self.for_tests { Scope::TestModule } else { Scope::Module });
    }

    pub(super) fn enter(&mut self, scope: Scope) {
        self.scopes.push(scope);
        self.for_tests = false;
        self.at += 1;
    }

    pub(super) fn leave(&mut self) {
        if let Some(Scope::Module | Scope::TestModule) = self.scopes.pop() {
            self.module.pop();
        }
        self.for_tests = false;
        self.at += 1;
    }

    pub(super) fn inline_path(&mut self) {
        let line = self.tokens[self.at].line;
        let mut path = vec![self.peek(0)];
        self.at += 1;
        while self.peek(0) == "::" && self.peek(1).starts_with(is_word) {
            path.push(self.peek(1));
            self.at += 2;
        }
        self.record(&path, line);
    }

    /// The tree of a `use`: records the path of each leaf.
    pub(super) fn tree(&mut self, prefix: &[&'a str]) {
        let mut path = prefix.to_vec();
        let mut line = self.tokens.get(self.at).map_or(0, |token| token.line);
        loop {
            match self.peek(0) {
                "::" | "$" => {}
                "{" => return self.branches(&path),
                "as" => {
                    self.at += 2;
                    break;
                }
                text if text == "*" || text.starts_with(is_word) => {
                    path.push(text);
                    line = self.tokens[self.at].line;
                }
                _ => break,
            }
            self.at += 1;
        }
        self.record(&path, line);
    }

    pub(super) fn branches(&mut self, prefix: &[&'a str]) {
        self.at += 1;
        while !["}", ""].contains(&self.peek(0)) {
            let before = self.at;
            self.tree(prefix);
            if self.peek(0) == "," || self.at == before {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    pub(super) fn record(&mut self, path: &[&str], line: usize) {
        if let Some(target) = self.resolved(path) {
            let in_test = self.scopes.iter().any(|scope| matches!(scope, Scope::TestModule));
            self.uses.push(Use { line, written: path.join("::"), target, in_test });
        }
    }

    /// The path from the crate's root; none for one that begins at another crate or at a name.
    pub(super) fn resolved(&self, path: &[&str]) -> Option<Vec<String>> {
        let mut target = match *path.first()? {
            "crate" | "repro" => Vec::new(),
            "self" | "super" => self.module.clone(),
            _ => return None,
        };
        let from_root = usize::from(["crate", "repro"].contains(&path[0]));
        for segment in &path[from_root..] {
            match *segment {
                "self" => {}
                "super" => drop(target.pop()),
                name => target.push(name.to_owned()),
            }
        }
        Some(target)
    }
}

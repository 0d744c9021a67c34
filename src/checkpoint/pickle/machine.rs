//! The stack machine. It records each call as an [`Object`] and calls nothing. An operation makes
//! at most four values and copies none, so that the limit on operations limits memory too.

use std::{borrow::Cow, collections::HashMap};

use super::{
    opcode::{Operation, Reader},
    value::{Arena, Id, Object, Value},
};
use crate::checkpoint::error::Fault;

/// Limit on the operations of a file's pickles. An operation is at least a byte, so that memory is
/// bounded by the bytes of a pickle; this is where the bound stops growing. The pickle of a robust
/// ResNet-50 with its momentum has 30,000 operations, a list with a number for each image of
/// ImageNet 1.3 million.
pub const MAX_OPERATIONS: usize = 1 << 27;

/// Runs the pickle that begins at the offset `begin` of `bytes`, which are at the offset `base` of
/// the file. Returns its object and the offset of its end in `bytes`.
///
/// # Errors
/// If it is damaged, or has too many operations.
pub fn run<'a>(
    bytes: &'a [u8],
    begin: usize,
    base: usize,
    arena: &mut Arena<'a>,
) -> Result<(Id, usize), Fault> {
    let mut reader = Reader::new(bytes, begin, base);
    let ran = run_with(&mut reader, arena);
    arena.cut = reader.cut();
    ran.map(|result| (result, reader.at() - base))
}

fn run_with<'a>(reader: &mut Reader<'a>, arena: &mut Arena<'a>) -> Result<Id, Fault> {
    let mut machine = Machine { arena, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    loop {
        let at = reader.at();
        machine.arena.operations += 1;
        if machine.arena.operations > MAX_OPERATIONS {
            let what = format!("the pickle has more than {MAX_OPERATIONS} operations");
            return Err(Fault::bound(format!("offset {at}"), what));
        }
        let operation = reader.next()?;
        let Some(result) = machine.step(operation).map_err(|what| Fault::pickle(at, what))? else {
            continue;
        };
        return Ok(result);
    }
}

struct Machine<'m, 'a> {
    arena: &'m mut Arena<'a>,
    stack: Vec<Id>,
    /// Heights of the stack at the marks. Values below the last mark can't be popped.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

impl<'a> Machine<'_, 'a> {
    /// Runs one operation. Returns the result if it was the last one.
    fn step(&mut self, operation: Operation<'a>) -> Result<Option<Id>, String> {
        match operation {
            Operation::Nothing => (),
            Operation::Stop => return self.pop().map(Some),
            Operation::Push(value) => self.push(value),
            Operation::Mark => self.marks.push(self.stack.len()),
            Operation::Pop => {
                // This operation may also pop a mark.
                if self.pop().is_err() {
                    self.marks.pop().ok_or("the stack is empty")?;
                }
            }
            Operation::PopMark => drop(self.pop_to_mark()?),
            Operation::Duplicate => {
                let top = self.top()?;
                self.stack.push(top);
            }
            Operation::TupleOf(count) => {
                let floor = self.marks.last().copied().unwrap_or(0);
                match self.stack.len().checked_sub(count) {
                    Some(begin) if begin >= floor => {
                        let elements = self.stack.split_off(begin);
                        self.push(Value::Tuple(elements));
                    }
                    _ => return Err("the stack is too short".into()),
                }
            }
            Operation::Tuple => {
                let elements = self.pop_to_mark()?;
                self.push(Value::Tuple(elements));
            }
            Operation::List => {
                let elements = self.pop_to_mark()?;
                self.push(Value::List(elements));
            }
            Operation::FrozenSet => {
                let elements = self.pop_to_mark()?;
                self.push(Value::Set(elements));
            }
            Operation::Dict => {
                let items = self.pop_pairs()?;
                self.push(Value::Dict(items));
            }
            Operation::Append => {
                let element = self.pop()?;
                self.extend(vec![element])?;
            }
            Operation::Appends => {
                let elements = self.pop_to_mark()?;
                self.extend(elements)?;
            }
            Operation::AddItems => {
                let elements = self.pop_to_mark()?;
                let top = self.top()?;
                match self.arena.get_mut(top) {
                    Value::Set(all) => all.extend(elements),
                    Value::Object(object) => object.appended.extend(elements),
                    other => return Err(format!("{} has no elements to add to", other.kind())),
                }
            }
            Operation::SetItem => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(vec![(key, value)])?;
            }
            Operation::SetItems => {
                let items = self.pop_pairs()?;
                self.set(items)?;
            }
            Operation::Put(number) => {
                let top = self.top()?;
                self.memo.insert(number, top);
            }
            Operation::Memoize => {
                let top = self.top()?;
                self.memo.insert(self.memo.len() as u64, top);
            }
            Operation::Get(number) => {
                let missing = || format!("the memo has no {number}");
                let id = *self.memo.get(&number).ok_or_else(missing)?;
                self.stack.push(id);
            }
            Operation::Persistent => {
                let id = self.pop()?;
                self.push(Value::Persistent(id));
            }
            Operation::PersistentText(text) => {
                let id = self.arena.push(text);
                self.push(Value::Persistent(id));
            }
            Operation::Global(module, name) => {
                let global = self.global(module, name);
                self.push(global);
            }
            Operation::StackGlobal => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (self.arena.get(module), self.arena.get(name)) {
                    (Value::Text(_), Value::Text(_)) => self.push(Value::Global(module, name)),
                    _ => return Err("a name is no text".into()),
                }
            }
            Operation::Call => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.call(callable, arguments, None);
            }
            Operation::CallWithKeywords => {
                let (keywords, arguments, callable) = (self.pop()?, self.pop()?, self.pop()?);
                self.call(callable, arguments, Some(keywords));
            }
            Operation::Instance(module, name) => {
                let elements = self.pop_to_mark()?;
                let arguments = self.arena.push(Value::Tuple(elements));
                let class = self.global(module, name);
                let class = self.arena.push(class);
                self.call(class, arguments, None);
            }
            Operation::ObjectOfMark => {
                let mut elements = self.pop_to_mark()?;
                if elements.is_empty() {
                    return Err("an object has no class".into());
                }
                let class = elements.remove(0);
                let arguments = self.arena.push(Value::Tuple(elements));
                self.call(class, arguments, None);
            }
            Operation::Build => {
                let state = self.pop()?;
                let top = self.top()?;
                match self.arena.get_mut(top) {
                    Value::Object(object) => object.states.push(state),
                    other => return Err(format!("{} takes no state", other.kind())),
                }
            }
        }
        Ok(None)
    }

    fn push(&mut self, value: Value<'a>) {
        let id = self.arena.push(value);
        self.stack.push(id);
    }

    fn global(&mut self, module: &'a str, name: &'a str) -> Value<'a> {
        let [module, name] =
            [module, name].map(|text| self.arena.push(Value::Text(Cow::Borrowed(text))));
        Value::Global(module, name)
    }

    fn call(&mut self, callable: Id, arguments: Id, keywords: Option<Id>) {
        let (states, appended, items) = (Vec::new(), Vec::new(), Vec::new());
        let object = Object { callable, arguments, keywords, states, appended, items };
        self.push(Value::Object(Box::new(object)));
    }

    fn top(&self) -> Result<Id, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.last() {
            Some(top) if self.stack.len() > floor => Ok(*top),
            _ => Err("the stack is empty".into()),
        }
    }

    fn pop(&mut self) -> Result<Id, String> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// Pops all values above the last mark, and the mark.
    fn pop_to_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or("the stack has no mark")?;
        Ok(self.stack.split_off(mark))
    }

    fn pop_pairs(&mut self) -> Result<Vec<(Id, Id)>, String> {
        let values = self.pop_to_mark()?;
        match values.as_chunks() {
            (pairs, []) => Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect()),
            _ => Err("a key has no value".into()),
        }
    }

    fn extend(&mut self, elements: Vec<Id>) -> Result<(), String> {
        let top = self.top()?;
        match self.arena.get_mut(top) {
            Value::List(all) => all.extend(elements),
            Value::Object(object) => object.appended.extend(elements),
            other => return Err(format!("nothing can be appended to {}", other.kind())),
        }
        Ok(())
    }

    fn set(&mut self, items: Vec<(Id, Id)>) -> Result<(), String> {
        let top = self.top()?;
        match self.arena.get_mut(top) {
            Value::Dict(all) => all.extend(items),
            Value::Object(object) => object.items.extend(items),
            other => return Err(format!("{} has no keys to set", other.kind())),
        }
        Ok(())
    }
}

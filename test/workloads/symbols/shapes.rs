use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{mpsc, Arc, Mutex};
use std::thread;

#[derive(Debug, Clone, PartialEq)]
enum Shape { Circle { radius: f64 }, Rect(f64, f64), Empty }
trait Area { fn area(&self) -> f64; fn name(&self) -> String { "shape".into() } }
impl Area for Shape { fn area(&self) -> f64 { match self { Shape::Circle { radius } => 3.14 * radius * radius, Shape::Rect(a, b) => a * b, Shape::Empty => 0.0 } } }
impl fmt::Display for Shape { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{:?}:{:.2}", self, self.area()) } }
struct Stack<T> { items: Vec<T> }
impl<T: Clone + fmt::Debug> Stack<T> { fn new() -> Self { Stack { items: Vec::new() } } fn push(&mut self, t: T) -> &mut Self { self.items.push(t); self } fn fold<A>(&self, a: A, f: impl Fn(A, &T) -> A) -> A { self.items.iter().fold(a, f) } }
fn parse(words: &str) -> Result<BTreeMap<String, usize>, Box<dyn std::error::Error>> {
    let mut m = BTreeMap::new();
    for (i, w) in words.split_whitespace().enumerate() { let n: usize = w.trim_start_matches(char::is_alphabetic).parse().unwrap_or(i); *m.entry(w.to_lowercase()).or_insert(0) += n; }
    if m.is_empty() { return Err("nothing".into()); }
    Ok(m)
}
fn main() {
    let mut s = Stack::new();
    s.push(Shape::Circle { radius: 2.0 }).push(Shape::Rect(2.0, 3.0)).push(Shape::Empty);
    println!("{} {}", s.fold(0.0, |a, x| a + x.area()), s.items[0].name());
    for i in &s.items { println!("{}", i); }
    let m = parse(&std::env::args().skip(1).collect::<Vec<_>>().join(" "));
    match &m { Ok(m) => println!("{:?}", m), Err(e) => println!("error {}", e) }
    let (tx, rx) = mpsc::channel();
    let shared = Arc::new(Mutex::new(HashMap::<String, i64>::new()));
    let hs: Vec<_> = (0..4).map(|i| { let tx = tx.clone(); let shared = shared.clone(); thread::spawn(move || { shared.lock().unwrap().insert(format!("k{}", i), i); tx.send(i * i).unwrap(); }) }).collect();
    for h in hs { h.join().unwrap(); }
    drop(tx);
    let mut v: Vec<i64> = rx.iter().collect(); v.sort_by(|a, b| b.cmp(a)); v.dedup();
    let set: HashSet<_> = v.iter().map(|x| x % 3).collect();
    println!("{:?} {:?} {}", v, set.len(), shared.lock().unwrap().len());
}

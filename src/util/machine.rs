//! The name of the processor, and the memory of this machine.

/// The name of the processor, or its architecture if the system does not state it.
#[must_use]
pub fn processor() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split(':').nth(1));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |name| name.trim().to_owned())
}

/// The memory of this machine in bytes; `None` if the system does not state it.
#[must_use]
pub fn memory() -> Option<u64> {
    in_meminfo(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

/// The total of Linux's `/proc/meminfo`, whose kB are of 1,024 bytes.
fn in_meminfo(text: &str) -> Option<u64> {
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = total.trim().strip_suffix(" kB")?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::in_meminfo;

    #[test]
    fn the_memory_is_that_of_meminfo() {
        let text = "MemTotal:       16384 kB\nMemFree:         1 kB\n";
        assert_eq!(in_meminfo(text), Some(16 << 20));
        assert_eq!(in_meminfo("MemTotal: a lot\n"), None);
        assert_eq!(in_meminfo(""), None);
    }
}

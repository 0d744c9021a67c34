//! The names of the processor and of the machine, and its memory.

/// The name of the processor, or its architecture if the system does not state it.
#[must_use]
pub fn processor() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split(':').nth(1));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |name| name.trim().to_owned())
}

/// The name of this machine in its network, or `localhost` if the system does not state one that
/// can be shown.
#[must_use]
pub fn host() -> String {
    let mut name = [0_u8; 256];
    // SAFETY: the buffer is as long as stated.
    let read = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len()) };
    let length = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    let name = String::from_utf8_lossy(&name[..length]).into_owned();
    if read == 0 && super::shown::fault_of_name(&name).is_none() {
        name
    } else {
        "localhost".to_owned()
    }
}

/// An identifier of the running kernel's start, which no other machine has; `None` if the system
/// does not state one.
#[must_use]
pub fn boot() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| super::shown::fault_of_name(id).is_none())
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

/// Whether the address space of this process came near its limit (`ulimit -v`): then a failure with
/// any message may be one of memory. `false` where there is no limit.
#[cfg(feature = "engine")]
#[must_use]
pub fn memory_was_short() -> bool {
    let read = |file| std::fs::read_to_string(file).unwrap_or_default();
    was_short(&read("/proc/self/limits"), &read("/proc/self/status"))
}

/// By Linux's `limits`, in bytes, and `status`, in kB of 1,024 bytes.
#[cfg(any(feature = "engine", test))]
fn was_short(limits: &str, status: &str) -> bool {
    /// A thread's first allocation reserves as much.
    const ROOM: u64 = 128 << 20;
    let after = |text: &str, name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let limit = after(limits, "Max address space");
    let peak = after(status, "VmPeak:").map(|kilobytes| kilobytes.saturating_mul(1024));
    limit.zip(peak).is_some_and(|(limit, peak)| peak.saturating_add(ROOM) > limit)
}

#[cfg(test)]
mod tests {
    use super::{in_meminfo, was_short};

    #[test]
    fn memory_was_short_near_a_limit_of_the_address_space() {
        let limits = |soft: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units     \n\
                 Max resident set          unlimited            unlimited            bytes     \n\
                 Max address space         {soft}               unlimited            bytes     \n"
            )
        };
        let status = "Name:\trepro\nVmPeak:\t  600000 kB\nVmSize:\t  100000 kB\n";
        assert!(was_short(&limits("614400000"), status));
        assert!(was_short(&limits("700000000"), status));
        assert!(!was_short(&limits("800000000"), status));
        assert!(!was_short(&limits("unlimited"), status));
        assert!(!was_short("", status) && !was_short(&limits("614400000"), ""));
    }

    #[test]
    fn the_memory_is_that_of_meminfo() {
        let text = "MemTotal:       16384 kB\nMemFree:         1 kB\n";
        assert_eq!(in_meminfo(text), Some(16 << 20));
        assert_eq!(in_meminfo("MemTotal: a lot\n"), None);
        assert_eq!(in_meminfo(""), None);
    }
}

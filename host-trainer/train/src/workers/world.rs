//! Where a worker stands among all, from its environment.

use std::{
    env, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket},
};

use super::WorkersError;

/// Where the store is when nobody says: on this machine, out of reach of all
/// others.
const LOOPBACK: &str = "127.0.0.1";

/// Its port when nobody says, which is that of `torchrun`.
const PORT: u16 = 29500;

/// Where this worker stands among the workers of a run.
///
/// The names of the variables are those that `torchrun`, Slurm scripts and
/// Kubernetes' `PyTorchJob` use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// Number of this worker, `RANK`, from 0.
    pub rank: usize,
    /// How many there are, `WORLD_SIZE`.
    pub size: usize,
    /// Number of this worker among those of its machine, `LOCAL_RANK`; it picks
    /// the GPU. 0 where nobody says.
    pub local_rank: usize,
    /// How many of them this machine has, `LOCAL_WORLD_SIZE`; they share its
    /// cores. Where nobody says, all on the loopback and one elsewhere.
    pub local_size: usize,
    /// Machine of the store, `MASTER_ADDR`; the loopback where nobody says.
    pub host: String,
    /// Port of the store, `MASTER_PORT`; 29500 where nobody says.
    pub port: u16,
    /// Whether `torchrun` serves the store, `TORCHELASTIC_USE_AGENT_STORE`;
    /// otherwise rank 0 does.
    pub agent_serves: bool,
}

/// A variable of the environment cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {reason}; torchrun, Slurm scripts and PyTorchJob set it, or use --nproc")]
pub struct WorldError {
    variable: &'static str,
    reason: String,
}

impl World {
    /// Reads the environment; there is no world where neither `RANK` nor
    /// `WORLD_SIZE` is set.
    ///
    /// # Errors
    ///
    /// When only one of them is, or one of the variables makes no sense.
    pub fn from_environment() -> Result<Option<Self>, WorldError> {
        Self::from_variables(|name| env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from_variables(
        get: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Option<Self>, WorldError> {
        if get("RANK").is_none() && get("WORLD_SIZE").is_none() {
            return Ok(None);
        }
        let number = |variable: &'static str| match get(variable) {
            None => Ok(None),
            Some(value) => value.trim().parse::<usize>().map(Some).map_err(|_| {
                let reason = format!("is {value:?} and must be a whole number");
                WorldError { variable, reason }
            }),
        };
        let needed = |variable: &'static str, other: &str| {
            let missing =
                || WorldError { variable, reason: format!("is not set, though {other} is") };
            number(variable)?.ok_or_else(missing)
        };
        let rank = needed("RANK", "WORLD_SIZE")?;
        let size = needed("WORLD_SIZE", "RANK")?;
        if rank >= size {
            let reason = format!("is {rank} and must be less than WORLD_SIZE, {size}");
            return Err(WorldError { variable: "RANK", reason });
        }
        let host = get("MASTER_ADDR").unwrap_or_else(|| LOOPBACK.to_owned());
        let port = match get("MASTER_PORT") {
            None => PORT,
            Some(value) => value.trim().parse().map_err(|_| {
                let reason = format!("is {value:?} and must be a port, 1 to 65535");
                WorldError { variable: "MASTER_PORT", reason }
            })?,
        };
        let all_here = if host == LOOPBACK || host == "localhost" { size } else { 1 };
        Ok(Some(Self {
            rank,
            size,
            local_rank: number("LOCAL_RANK")?.unwrap_or(0),
            local_size: number("LOCAL_WORLD_SIZE")?.unwrap_or(all_here).max(1),
            host,
            port,
            agent_serves: get("TORCHELASTIC_USE_AGENT_STORE").is_some_and(|value| value == "True"),
        }))
    }

    /// Returns whether this worker serves the store.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.rank == 0 && !self.agent_serves
    }

    /// Returns the error of a worker that has no place in the run whose store it
    /// reached.
    pub(super) fn turned_away(&self, reason: &str) -> WorkersError {
        let (rank, host, port) = (self.rank, self.host.clone(), self.port);
        WorkersError::TurnedAway { rank, host, port, reason: reason.to_owned() }
    }

    /// Returns the address by which this machine reaches that of the store, on
    /// which others reach it too; nothing is sent to find out.
    ///
    /// # Errors
    ///
    /// When the store's machine has no address or there is no way to it.
    pub fn own_address(&self) -> io::Result<IpAddr> {
        let target = (self.host.as_str(), self.port);
        let from = |any: IpAddr| {
            let socket = UdpSocket::bind((any, 0))?;
            socket.connect(target)?;
            Ok::<_, io::Error>(socket.local_addr()?.ip())
        };
        from(Ipv4Addr::UNSPECIFIED.into()).or_else(|_| from(Ipv6Addr::UNSPECIFIED.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(variables: &[(&str, &str)]) -> Result<Option<World>, String> {
        let get = |name: &'static str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        World::from_variables(get).map_err(|error| error.to_string())
    }

    #[test]
    fn without_variables_a_process_is_alone() {
        assert_eq!(world(&[("MASTER_ADDR", "host"), ("LOCAL_RANK", "3")]), Ok(None));
    }

    #[test]
    fn what_torchrun_sets_is_understood() {
        let variables = [
            ("RANK", "5"),
            ("WORLD_SIZE", "8"),
            ("LOCAL_RANK", "1"),
            ("LOCAL_WORLD_SIZE", "4"),
            ("MASTER_ADDR", "node-1"),
            ("MASTER_PORT", "4000"),
            ("TORCHELASTIC_USE_AGENT_STORE", "True"),
        ];
        let expected = World {
            rank: 5,
            size: 8,
            local_rank: 1,
            local_size: 4,
            host: "node-1".to_owned(),
            port: 4000,
            agent_serves: true,
        };
        assert_eq!(world(&variables), Ok(Some(expected)));
    }

    #[test]
    fn without_an_address_it_stays_on_the_loopback() {
        let world = world(&[("RANK", "0"), ("WORLD_SIZE", "2")]).expect("a world").expect("two");
        assert_eq!((world.host.as_str(), world.port, world.local_size), ("127.0.0.1", 29500, 2));
        assert!(world.serves());
        assert!(world.own_address().expect("an address").is_loopback());
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let check = |variables: &[(&str, &str)], expected: &str| {
            let error = world(variables).expect_err(expected);
            assert!(error.contains(expected), "{error}");
        };
        check(&[("RANK", "0")], "WORLD_SIZE is not set, though RANK is");
        check(&[("WORLD_SIZE", "2")], "RANK is not set, though WORLD_SIZE is");
        check(&[("RANK", "2"), ("WORLD_SIZE", "2")], "less than WORLD_SIZE, 2");
        check(&[("RANK", "-1"), ("WORLD_SIZE", "2")], "RANK is \"-1\"");
        let port = [("RANK", "0"), ("WORLD_SIZE", "2"), ("MASTER_PORT", "70000")];
        check(&port, "MASTER_PORT is \"70000\"");
    }
}

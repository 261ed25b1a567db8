//! Ranks on this machine, each a thread with a store and a group of its own.
#![cfg(target_os = "linux")]

use std::{
    net::{IpAddr, Ipv4Addr, TcpListener},
    thread,
    time::Duration,
};

use c10d::{Backend, Error, GroupOptions, ProcessGroup, Store, StoreOptions};
use tch::{Kind, Tensor, no_grad};

/// Rounding of 64-bit sums of a few hundred values around 1.
const TOLERANCE: f64 = 1e-10;

const TIMEOUT: Duration = Duration::from_secs(60);

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Runs `body` as each of `size` ranks and returns what they return.
fn ranks<T: Send>(size: usize, body: impl Fn(&ProcessGroup) -> T + Sync) -> Vec<T> {
    // A port that nobody has.
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let rank = |rank: usize| {
        let options = StoreOptions {
            host: "127.0.0.1".to_owned(),
            port,
            serves: rank == 0,
            timeout: TIMEOUT,
        };
        let store = Store::new(&options).expect("a store");
        let backend = Backend::Gloo;
        let options = GroupOptions { backend, rank, size, address: LOOPBACK, timeout: TIMEOUT };
        let group = ProcessGroup::join(&store, "test", options).expect("a group");
        let result = body(&group);
        // Nobody leaves before all are done, least of all who serves the store.
        group.all_reduce(&mut Tensor::from(0.0)).and_then(c10d::Work::wait).expect("a barrier");
        result
    };
    let rank = &rank;
    thread::scope(|scope| {
        let handles: Vec<_> = (0..size).map(|number| scope.spawn(move || rank(number))).collect();
        handles.into_iter().map(|handle| handle.join().expect("a rank")).collect()
    })
}

/// Numbers that look random, the same each time.
fn numbers(shape: &[i64], phase: f64) -> Tensor {
    let count: i64 = shape.iter().product();
    let t = Tensor::arange(count, (Kind::Double, tch::Device::Cpu));
    (((t * 12.9898 + phase).sin() * 43758.5453).frac() + 0.3).reshape(shape)
}

fn error(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[])
}

#[test]
fn sums_and_copies_reach_every_rank() {
    let results = ranks(3, |group| {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let own = group.rank() as f64;
        let mut sum = Tensor::from_slice(&[own, 1.0]);
        group.all_reduce(&mut sum)?.wait()?;
        let mut copy = Tensor::from_slice(&[own]);
        group.broadcast(&mut copy, 2)?.wait()?;
        Ok::<_, Error>((Vec::<f64>::try_from(sum), Vec::<f64>::try_from(copy)))
    });
    for result in results {
        let (sum, copy) = result.expect("no error");
        assert_eq!(sum.expect("numbers"), [3.0, 3.0]);
        assert_eq!(copy.expect("numbers"), [2.0]);
    }
}

#[test]
fn the_gradient_of_a_sum_is_that_of_one_process() {
    // loss = Σ (x₀ + x₁)³, which both ranks compute.
    let whole = || numbers(&[2, 5], 0.0);
    let gradient = 3.0 * whole().sum_dim_intlist(0_i64, false, Kind::Double).square();
    let results = ranks(2, |group| {
        let row = i64::try_from(group.rank()).unwrap_or_default();
        let x = whole().select(0, row).copy().set_requires_grad(true);
        let sum = group.sum(&x).expect("a sum");
        sum.pow_tensor_scalar(3).sum(Kind::Double).backward();
        let traffic = group.take_traffic();
        assert_eq!((traffic.operations, traffic.bytes), (1, 5 * 8));
        assert!(!group.failed() && traffic.waited > Duration::ZERO);
        x.grad()
    });
    for own in results {
        assert!(error(&own, &gradient) < TOLERANCE, "{own} {gradient}");
    }
}

#[test]
fn batch_norm_is_that_of_one_process() {
    const EPS: f64 = 1e-5;
    // Shares of unequal size: 5 and 3 images of 4 channels and 2 × 3 locations.
    let shares = [(0, 5), (5, 3)];
    // Tensors stay with their thread: each rank makes its own.
    let all = || {
        let x = numbers(&[8, 4, 2, 3], 1.0) + numbers(&[1, 4, 1, 1], 2.0) * 20.0;
        [x, numbers(&[4], 3.0), numbers(&[4], 4.0), numbers(&[8, 4, 2, 3], 5.0)]
    };
    let [x, weight, bias, towards] = all();
    let leaf = |t: &Tensor| t.copy().set_requires_grad(true);

    let [x1, weight1, bias1] = [&x, &weight, &bias].map(leaf);
    let none: Option<&Tensor> = None;
    let y = x1.batch_norm(Some(&weight1), Some(&bias1), none, none, true, 0.1, EPS, false);
    (&y * &towards).sin().sum(Kind::Double).backward();

    let results = ranks(2, |group| {
        let (first, count) = shares[group.rank()];
        let [x, weight, bias, towards] = all();
        let [x, towards] = [&x, &towards].map(|t| t.narrow(0, first, count));
        let [x, weight, bias] = [&x, &weight, &bias].map(leaf);
        let found = group.batch_norm(&x, &weight, &bias, EPS).expect("batch norm");
        // The whole loss is the sum of both ranks' values.
        (&found.y * &towards).sin().sum(Kind::Double).backward();
        (found, x.grad(), weight.grad(), bias.grad())
    });
    let cat = |of: &dyn Fn(usize) -> Tensor| Tensor::cat(&[of(0), of(1)], 0);
    no_grad(|| {
        assert!(error(&cat(&|rank| results[rank].0.y.copy()), &y) < TOLERANCE);
        assert!(error(&cat(&|rank| results[rank].1.copy()), &x1.grad()) < TOLERANCE);
        assert!(error(&(&results[0].2 + &results[1].2), &weight1.grad()) < TOLERANCE);
        assert!(error(&(&results[0].3 + &results[1].3), &bias1.grad()) < TOLERANCE);
    });
    for (found, ..) in &results {
        assert!((found.count - 48.0).abs() < TOLERANCE);
        let mean = x.mean_dim([0_i64, 2, 3].as_slice(), false, Kind::Double);
        assert!(error(&found.mean, &mean) < TOLERANCE);
    }
}

#[test]
fn a_rank_that_does_not_come_is_an_error_within_the_timeout() {
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let timeout = Duration::from_secs(2);
    let options = StoreOptions { host: "127.0.0.1".to_owned(), port, serves: true, timeout };
    let store = Store::new(&options).expect("a store");
    assert_eq!(store.has("key"), Ok(false));
    store.set("key", b"value").expect("set");
    assert_eq!(store.get("key", timeout), Ok(b"value".to_vec()));
    assert_eq!((store.add("number", 2), store.add("number", 3)), (Ok(2), Ok(5)));
    store.get("absent", Duration::from_millis(100)).expect_err("nobody sets it");
    let options =
        GroupOptions { backend: Backend::Gloo, rank: 0, size: 2, address: LOOPBACK, timeout };
    ProcessGroup::join(&store, "test", options).expect_err("rank 1 does not come");
}

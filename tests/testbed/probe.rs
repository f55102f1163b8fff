//! A health check tried through a real API server's proxy, against programs that answer, refuse, or speak something else.

use std::io::Read;
use std::io::Write;
use std::net::IpAddr;
use std::net::TcpListener;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use serde_json::json;

use super::support::bed;
use super::support::until;
use super::world::PORT;
use super::world::World;

/// An address of this machine that is not its loopback: the API server proxies to no loopback.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("192.0.2.1:9").unwrap();
    socket.local_addr().unwrap().ip()
}

/// A program that says the same to everybody, until it is dropped.
struct Program {
    at: (IpAddr, u16),
    ends: Arc<AtomicBool>,
    running: Option<JoinHandle<()>>,
}

impl Program {
    fn that_says(address: IpAddr, text: &'static str) -> Self {
        let listener = TcpListener::bind((address, PORT)).unwrap();
        let ends = Arc::new(AtomicBool::new(false));
        let told = ends.clone();
        let running = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if told.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                _ = stream.read(&mut [0; 4096]);
                _ = stream.write_all(text.as_bytes());
            }
        });
        Self { at: (address, PORT), ends, running: Some(running) }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        _ = std::net::TcpStream::connect(self.at);
        _ = self.running.take().map(JoinHandle::join);
    }
}

#[test]
fn a_real_api_server_tells_the_answers_of_pods_apart() {
    let bed = bed();
    let world = World::with_pods(&bed, "probe", 1);
    let pod = world.pods().remove(0);
    let address = own_address();
    let status = json!({"status": {"podIP": address, "podIPs": [{"ip": address}]}});
    world.kubectl(&[
        "patch",
        "pod",
        &pod.name,
        "--subresource=status",
        "--type=merge",
        "-p",
        &status.to_string(),
    ]);
    let name = format!("{}/pod/{}", world.namespace, pod.name);
    let probe = || world.settings.tgscope(&["probe", &name]);
    until("the endpoint is the machine's own address", 20, || {
        let (_, text, _) = probe();
        text.contains("Connection refused on 8080").then_some(())
    });
    let says = |text: &'static str, expected: &[&str]| {
        let _program = Program::that_says(address, text);
        let (code, told, complained) = probe();
        assert_eq!(code, 0, "{told}{complained}");
        for it in expected {
            assert!(told.contains(it), "no {it:?} in {told}");
        }
    };
    says(
        "HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\nconnection: close\r\n\r\nnope",
        &["The pod answers 404 in ", "; the matcher wants 200.", "It says: nope", "It is the program"],
    );
    says(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
        &["The pod answers 200 in ", "the check passes here"],
    );
    says(
        "HTTP/1.1 302 Found\r\nlocation: https://elsewhere.example/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        &["The pod answers 302 in ", "It sends the client to "],
    );
    says(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbusy",
        &["The pod answers 503 in ", "It says: busy"],
    );
    says("SSH-2.0-x\r\n", &["Something accepts connections on port 8080, and does not answer by HTTP."]);
}

//! The AWS adapter against a server on the loopback: XML through the real SDK.

mod answers;
mod identity;
mod reads;
mod refusals;
mod settings;
mod writes;

use tgscope::aws::LoadBalancing;
use tgscope::aws::Session;
use tgscope::aws::Settings;
use tgscope::domain::facts::ids::TargetGroupArn;

use crate::support::Server;
use crate::world::GROUP;

async fn session(url: &str) -> Session {
    let settings = Settings { endpoint: Some(url.to_owned()), ..Settings::default() };
    Session::open(settings).await
}

async fn client(server: &Server) -> LoadBalancing {
    session(&server.url()).await.of(&arn(), None)
}

fn arn() -> TargetGroupArn {
    GROUP.parse().unwrap()
}

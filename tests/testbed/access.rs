//! Who asks and whom: users who may not do everything, kubeconfigs and contexts, the scope's flags, the
//! configuration, endpoints from AWS profiles.

use serde_json::Value;
use serde_json::json;

use super::board;
use super::pty::Terminal;
use super::pty::WIDE;
use super::support::Bed;
use super::support::Settings;
use super::support::bed;
use super::world::World;

pub(crate) fn kubeconfig(bed: &Bed, user: &str) -> String {
    bed.folder.join(format!("{user}.kubeconfig")).to_string_lossy().into_owned()
}

#[test]
fn a_viewer_sees_the_same_board() {
    let bed = bed();
    let mut world = World::serving(&bed, "viewer", 2);
    let whole = world.binding();
    world.settings = Settings::new().with("KUBECONFIG", kubeconfig(&bed, "viewer"));
    let board = world.settled_board(2);
    let binding = world.binding();
    assert_eq!(binding["cluster"], "testbed-viewer");
    for same in ["verdict", "settled", "rows", "wanted", "inService", "targetGroup"] {
        assert_eq!(binding[same], whole[same], "{same}: {binding:#}");
    }
    assert_eq!(board::drawn(&board.frame()), board::told(&binding));
    assert!(!board.frame().has("stale"), "{}", board.frame().text());
}

/// Asserts what the screen and `get` say when the bindings cannot be listed.
fn refused(settings: &Settings, args: &[&str], (kind, texts): (&str, &[&str])) {
    let list = Terminal::start(settings, args, WIDE);
    list.until("refused", 15, |it| texts.iter().all(|text| it.said().contains(text)));
    let (code, document) = settings.get(args);
    assert_eq!(code, 2, "{document:#}");
    assert_eq!(document["bindings"], json!([]));
    let failures = document["failures"].as_array().unwrap();
    let bindings: Vec<&Value> = failures.iter().filter(|it| it["source"] == "bindings").collect();
    assert!(!bindings.is_empty(), "{document:#}");
    for failure in bindings {
        assert_eq!(failure["kind"], kind, "{failure}");
        let told = format!("{} {}", failure["message"].as_str().unwrap(), failure["hint"].as_str().unwrap());
        assert!(texts.iter().all(|text| told.contains(text)), "{told}");
    }
}

#[test]
fn a_token_nobody_knows_is_told_with_what_to_do() {
    let bed = bed();
    let settings = Settings::new();
    let known = std::fs::read_to_string(kubeconfig(&bed, "admin")).unwrap();
    let file = settings.file("bogus.kubeconfig", &known.replace("token: testbed-admin", "token: bogus"));
    let settings = settings.with("KUBECONFIG", file);
    refused(&settings, &[], ("expired", &["Unauthorized", "log in to the cluster again"]));
}

#[test]
fn a_user_who_may_list_nothing_learns_which_permission_is_missing() {
    let _ = bed();
    let texts = [
        "nobody\" cannot list resource \"targetgroupbindings\"",
        "needs the RBAC verb list on targetgroupbindings.elbv2.k8s.aws",
    ];
    refused(&Settings::new(), &["--as", "nobody"], ("denied", &texts));
    let (_, document) = Settings::new().get(&["--as", "nobody"]);
    let missing: Vec<&str> = document["failures"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["kind"] == "denied")
        .filter_map(|it| it["hint"].as_str())
        .collect();
    for kind in ["pods", "services", "endpointslices.discovery.k8s.io", "nodes", "deployments.apps"] {
        assert!(missing.contains(&&*format!("needs the RBAC verb list on {kind}")), "{kind}: {missing:?}");
    }
}

#[test]
fn contexts_of_several_files_namespaces_and_labels_choose_what_is_shown() {
    let bed = bed();
    let mut world = World::new(&bed, "scope");
    world.service();
    world.bind();
    let other = json!({"app": "other"});
    world.bind_as("elbv2.k8s.aws/v1beta1", "other", &other);
    let files = format!("{}:{}", kubeconfig(&bed, "viewer"), kubeconfig(&bed, "admin"));
    world.settings = Settings::new().with("KUBECONFIG", files);
    let namespace = &*world.namespace;
    let found = |args: &[&str]| {
        let (code, document) = world.settings.get(args);
        assert_eq!(code, 0, "{document:#}");
        let text = |it: &Value, name: &str| it[name].as_str().unwrap().to_owned();
        let one = |it: &Value| (text(it, "cluster"), text(it, "namespace"), text(it, "name"));
        let all = document["bindings"].as_array().unwrap().iter().map(one);
        let mut ours: Vec<_> = all.filter(|it| it.1 == namespace).map(|it| (it.0, it.2)).collect();
        ours.sort();
        ours
    };
    let pair = |context: &str, name: &str| (format!("testbed-{context}"), name.to_owned());
    let both = |context| [pair(context, "other"), pair(context, "web")];
    assert_eq!(found(&["-n", namespace]), both("viewer"), "the first file's current context");
    assert_eq!(found(&["-n", namespace, "--context", "testbed-admin"]), both("admin"), "the second file");
    assert_eq!(found(&["-A"]), both("viewer"), "all namespaces");
    assert_eq!(found(&[]), [], "the context's namespace holds none of them");
    assert_eq!(found(&["-A", "-l", "app=other"]), [pair("viewer", "other")]);
    assert_eq!(found(&["-n", namespace, "-l", "app!=other"]), [pair("viewer", "web")]);
    let (code, _, err) = world.settings.tgscope(&["get", "--context", "nowhere"]);
    assert_eq!(code, 2);
    assert!(err.contains("\"nowhere\"") && err.contains("testbed-viewer, testbed-admin"), "{err}");

    let list = Terminal::start(&world.settings, &["-A"], WIDE);
    let qualified = format!("{namespace}/other");
    list.until("all namespaces", 10, |it| it.has("all namespaces") && it.has(&qualified));
    let board = Terminal::start(&world.settings, &["-n", namespace, "-l", "app=other"], WIDE);
    board.until("the one that matches", 10, |it| it.lines[0].contains("· other") && it.has("Why · "));
}

#[test]
fn an_unknown_key_in_the_configuration_is_an_error_with_its_line() {
    let _ = bed();
    let settings = Settings::new();
    let file = settings.file("config.toml", "[aws]\nburst = 5\ncolour = \"red\"\n");
    let settings = settings.with("TGSCOPE_CONFIG", &file);
    for args in [&[][..], &["get"]] {
        let (code, out, err) = settings.tgscope(args);
        assert_eq!((code, &*out), (2, ""));
        assert!(err.contains(&file) && err.contains("line 3") && err.contains("colour"), "{err}");
    }
    let board = Terminal::start(&settings, &[], WIDE);
    let left = board.left();
    assert_eq!(left.code, 2);
    let text = String::from_utf8_lossy(&left.bytes).into_owned();
    assert!(text.contains("line 3") && !text.contains("\x1b[?1049h"), "{text}");
}

#[test]
fn an_endpoint_of_a_profiles_services_section_is_used_and_shown() {
    let bed = bed();
    let mut world = World::serving(&bed, "services", 1);
    let settings = Settings::new();
    let url = settings.variables["AWS_ENDPOINT_URL"].clone();
    let config = format!(
        "[profile x]\nservices = y\nregion = us-west-2\n[services y]\nelastic_load_balancing_v2 =\n  endpoint_url = {url}\nsts =\n  endpoint_url = {url}\n"
    );
    let file = settings.file("aws.config", &config);
    world.settings =
        settings.without("AWS_ENDPOINT_URL").with("AWS_CONFIG_FILE", file).with("AWS_PROFILE", "x");
    let binding = world.binding();
    assert_eq!((&binding["verdict"], &binding["settled"]), (&json!("serving"), &json!(true)));
    let board = world.settled_board(1);
    board.until("the endpoint", 5, |it| it.lines[0].contains(&url));
    board.until("the account", 5, |it| it.lines[0].contains("123456789012 us-west-2"));
}

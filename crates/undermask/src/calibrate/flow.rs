//! Organisms → (growth) → audit and grid → replicates → cases → certificate and page. Every step leaves a file, so that the
//! same command continues where it stopped; shards share the organisms, and a call without a shard joins them.

use std::path::Path;

use undermask_measure::calibration::{Certificate, Circumstances, certify};
use undermask_report::{certificate_page, certificate_summary};
use undermask_store::put;

use super::answers::Answers;
use super::cases::{Common, case, keep_failed, kept_case};
use super::growing;
use super::subjects::subjects;
use crate::certified;
use crate::cli::CalibrateArguments;
use crate::error::CommandError;
use crate::exit::Finish;
use crate::output;
use crate::progress::listen;
use crate::suites;

/// Calibrates.
///
/// # Errors
/// [`CommandError`]; what was done before it stays on disk.
pub fn calibrate(arguments: &CalibrateArguments) -> Result<Finish, CommandError> {
    if arguments.replicates == 0 {
        return Err(CommandError::Usage("--replicates must be at least 1".to_owned()));
    }
    let loaded = suites::load(&arguments.suite)?;
    let out = arguments.out.clone().unwrap_or_else(|| Path::new("calibration").join(&loaded.suite.name));
    let subjects = subjects(arguments, &loaded.suite, &out)?;
    listen();
    let (mut cases, mut failed, mut common) = (Vec::new(), Vec::new(), Common::default());
    for (place, subject) in subjects.iter().enumerate() {
        if arguments.shard.is_some_and(|shard| !shard.has(place)) {
            continue;
        }
        let made = if let Some(path) = &subject.answers {
            let kept = Answers::read(path)?;
            if let Some(why) = kept.growth.clone().and_then(|growth| growing::shortcoming(growth, kept.truth.clone())) {
                failed.push(why);
                continue;
            }
            kept_case(arguments, &loaded.suite, subject, kept, &out, &mut common)?
        } else if let Some(planned) = &subject.growth {
            match growing::grow(arguments, planned)? {
                growing::Growth::Ready => case(arguments, &loaded, subject, &out, &mut common)?,
                growing::Growth::Failed(why) => {
                    keep_failed(&loaded.suite, subject, &out)?;
                    failed.push(why);
                    continue;
                }
                growing::Growth::Interrupted => None,
            }
        } else if let Some(why) = growing::failed(Path::new(&subject.name)) {
            keep_failed(&loaded.suite, subject, &out)?;
            failed.push(why);
            continue;
        } else {
            case(arguments, &loaded, subject, &out, &mut common)?
        };
        match made {
            Some(case) => cases.push(case),
            None => return Ok(stopped(&out)),
        }
    }
    if let Some(shard) = arguments.shard {
        eprintln!("  shard {shard} is done; the same command without --shard joins all of them");
        return Ok(Finish::Done);
    }
    let circumstances = Circumstances {
        code: certified::code(&loaded.suite),
        development: certified::development()?,
        seed: arguments.seed,
        failed_growths: failed,
    };
    finish(arguments, &certify(&loaded.suite, &cases, circumstances), &out)
}

fn stopped(out: &Path) -> Finish {
    eprintln!("  stopped; what was done is in {}. The same command continues.", out.display());
    Finish::Interrupted
}

fn finish(arguments: &CalibrateArguments, certificate: &Certificate, out: &Path) -> Result<Finish, CommandError> {
    let unwritable = |error: serde_json::Error| CommandError::Usage(format!("the certificate: {error}"));
    let text = serde_json::to_string_pretty(certificate).map_err(unwritable)?;
    let file = out.join("certificate.json");
    put(&file, format!("{text}\n").as_bytes())?;
    let page = out.join("certificate.html");
    put(&page, certificate_page(certificate)?.as_bytes())?;
    if arguments.json {
        output::print(&format!("{text}\n"))?;
    } else {
        output::print(&certificate_summary(certificate, output::style()))?;
        output::print(&format!("\n  certificate: {}\n  page: {}\n", file.display(), page.display()))?;
    }
    Ok(Finish::Done)
}

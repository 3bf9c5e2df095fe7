//! The file that says what belongs into a package: `package.toml`, as `docs/package.md` describes it.

mod schema;

use bytes::Bytes;
use weir_identity::Value;

use crate::builder::{Builder, Built};
use crate::error::FormatError;
use crate::grants::Grants;
use crate::name::{check_name, check_path, check_version};
use crate::schedule::Schedule;

/// The most bytes of the file.
pub const PROJECT_BYTES_MAX: usize = 64 << 10;

/// What a `package.toml` says; the files it names have not been read.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    name: String,
    version: String,
    services: Vec<ProjectService>,
    aqua: Vec<String>,
    schedules: Vec<Schedule>,
}

/// A service and the file of its component.
#[derive(Clone, Debug, PartialEq)]
struct ProjectService {
    name: String,
    component: String,
    grants: Grants,
    aliases: Vec<String>,
}

impl Project {
    /// Reads the text of a `package.toml`. The message of an error names the line, or the field.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        if text.len() > PROJECT_BYTES_MAX {
            let problem = format!(
                "has {} bytes, at most {PROJECT_BYTES_MAX} are allowed",
                text.len()
            );
            return Err(FormatError::new("package.toml", problem));
        }
        let file: schema::File = toml::from_str(text).map_err(|error| malformed(&error))?;
        check_name(&file.package.name, "package.name")?;
        check_version(&file.package.version, "package.version")?;
        let mut services = Vec::new();
        for service in file.service {
            let at = format!("service.{}", service.name);
            check_name(&service.name, "service.name")?;
            let grants =
                schema::sizes(schema::value(service.grants, &format!("{at}.grants"))?, &at)?;
            services.push(ProjectService {
                grants: Grants::read(&grants, &format!("{at}.grants"))?,
                component: service.component,
                aliases: service.aliases,
                name: service.name,
            });
        }
        for path in &file.aqua.files {
            check_path(path, "aqua.files")?;
        }
        let schedules = file.schedule.into_iter().map(schema::Schedule::read);
        Ok(Self {
            name: file.package.name,
            version: file.package.version,
            services,
            aqua: file.aqua.files,
            schedules: schedules.collect::<Result<_, _>>()?,
        })
    }

    /// The files that belong to it, relative to the `package.toml`: components, then Aqua.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let components = self
            .services
            .iter()
            .map(|service| service.component.as_str());
        components.chain(self.aqua.iter().map(String::as_str))
    }

    /// Its schedules.
    pub fn schedules(&self) -> &[Schedule] {
        &self.schedules
    }

    /// Makes the package. `read` gives the bytes of one of [`Project::files`], or why it cannot be read.
    pub fn build(
        &self,
        mut read: impl FnMut(&str) -> Result<Bytes, String>,
    ) -> Result<Built, FormatError> {
        let mut file = |path: &str| {
            let problem = |why| FormatError::new(path, format!("cannot be read: {why}"));
            read(path).map_err(problem)
        };
        let mut package = Builder::new(&*self.name, &*self.version);
        for service in &self.services {
            let component = file(&service.component)?;
            let (grants, aliases) = (service.grants.clone(), service.aliases.clone());
            package.service(&service.name, component, grants, aliases)?;
        }
        for path in &self.aqua {
            package.aqua(path, file(path)?)?;
        }
        for schedule in &self.schedules {
            package.schedule(schedule.clone());
        }
        package.build()
    }
}

/// What the parser says, with the line unless that is very long.
fn malformed(error: &toml::de::Error) -> FormatError {
    const SHOWN_BYTES_MAX: usize = 1024;
    let text = error.to_string();
    let text = if text.len() <= SHOWN_BYTES_MAX {
        text.trim_end()
    } else {
        error.message()
    };
    FormatError::new("package.toml", text)
}

/// An object of these fields.
fn object(fields: Vec<(&'static str, Value)>) -> Value {
    fields.into_iter().collect()
}

//! The applications: their files, what people change in them how often, and their Dockerfiles.

/// One application.
#[derive(Clone, Debug)]
pub struct App {
    /// Short name, also its folder.
    pub name: &'static str,
    /// What it is, a fragment.
    pub about: &'static str,
    /// Files that exist from the first commit on, with what they are about.
    pub files: &'static [&'static str],
    /// What people work on.
    pub areas: &'static [Area],
    /// Dockerfiles to hold side by side, worst-known first.
    pub variants: &'static [Variant],
}

/// Something people change.
#[derive(Clone, Copy, Debug)]
pub struct Area {
    /// Once in so many working days.
    pub every: usize,
    /// At most so many of the paths at once.
    pub at_once: usize,
    /// What is changed.
    pub paths: &'static [&'static str],
    /// First lines of messages.
    pub subjects: &'static [&'static str],
}

/// One way to write the application's Dockerfile.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// Which of the articles' files it follows: `A1`, `B2`, …
    pub id: &'static str,
    /// What it does, a fragment.
    pub name: &'static str,
    /// The text.
    pub dockerfile: &'static str,
}

/// All of them, in the order in which they are shown.
pub fn apps() -> [App; 4] {
    [SPRING, REACT, JAVA, GO]
}

const SPRING: App = App {
    name: "spring-and-node",
    about: "Spring Boot with a Node front end",
    files: &[
        "pom.xml",
        "mvnw",
        ".mvn/wrapper/maven-wrapper.properties",
        "README.md",
        "docs/running.md",
        "docs/design.md",
        "src/main/java/shop/Application.java",
        "src/main/java/shop/OrderController.java",
        "src/main/java/shop/OrderService.java",
        "src/main/java/shop/Invoice.java",
        "src/main/java/shop/StockClient.java",
        "src/main/resources/application.yml",
        "src/test/java/shop/OrderServiceTest.java",
        "web/package.json",
        "web/package-lock.json",
        "web/vite.config.js",
        "web/index.html",
        "web/src/main.jsx",
        "web/src/Orders.jsx",
        "web/src/Basket.jsx",
        "web/src/api.js",
        "web/src/style.css",
        ".github/workflows/ci.yml",
    ],
    areas: &[
        Area {
            every: 1,
            at_once: 3,
            paths: &[
                "src/main/java/shop/OrderController.java",
                "src/main/java/shop/OrderService.java",
                "src/main/java/shop/Invoice.java",
                "src/main/java/shop/StockClient.java",
                "src/test/java/shop/OrderServiceTest.java",
                "src/main/resources/application.yml",
            ],
            subjects: &[
                "orders: round totals to the cent",
                "stock: retry a slow answer",
                "invoice: number per year",
                "orders: page the list",
            ],
        },
        Area {
            every: 2,
            at_once: 2,
            paths: &[
                "web/src/Orders.jsx",
                "web/src/Basket.jsx",
                "web/src/api.js",
                "web/src/style.css",
                "web/src/main.jsx",
            ],
            subjects: &[
                "web: empty basket says so",
                "web: sort by date",
                "web: one place for requests",
                "web: larger buttons",
            ],
        },
        Area {
            every: 9,
            at_once: 1,
            paths: &["pom.xml"],
            subjects: &["deps: Spring Boot", "deps: the JDBC driver"],
        },
        Area {
            every: 6,
            at_once: 2,
            paths: &["web/package-lock.json", "web/package.json"],
            subjects: &["deps: web", "deps: the bundler"],
        },
        Area {
            every: 5,
            at_once: 1,
            paths: &["README.md", "docs/running.md", "docs/design.md"],
            subjects: &["docs: how to run", "docs: a decision"],
        },
        Area {
            every: 20,
            at_once: 1,
            paths: &[".github/workflows/ci.yml"],
            subjects: &["ci: cache", "ci: newer runner"],
        },
    ],
    variants: &[
        Variant {
            id: "A1",
            name: "one stage",
            dockerfile: include_str!("variants/a1.Dockerfile"),
        },
        Variant {
            id: "A2",
            name: "three stages, JRE",
            dockerfile: include_str!("variants/a2.Dockerfile"),
        },
        Variant {
            id: "A3",
            name: "three stages, distroless",
            dockerfile: include_str!("variants/a3.Dockerfile"),
        },
    ],
};

const REACT: App = App {
    name: "react",
    about: "a React front end",
    files: &[
        "package.json",
        "package-lock.json",
        "nginx.conf",
        "README.md",
        "public/index.html",
        "src/index.js",
        "src/App.js",
        "src/Customers.js",
        "src/Detail.js",
        "src/App.css",
        "src/App.test.js",
    ],
    areas: &[
        Area {
            every: 1,
            at_once: 2,
            paths: &[
                "src/App.js",
                "src/Customers.js",
                "src/Detail.js",
                "src/App.css",
                "src/App.test.js",
                "src/index.js",
            ],
            subjects: &[
                "customers: search",
                "detail: show the address",
                "app: a spinner while loading",
                "style: narrower column",
            ],
        },
        Area {
            every: 6,
            at_once: 2,
            paths: &["package-lock.json", "package.json"],
            subjects: &["deps: react", "deps: tests"],
        },
        Area {
            every: 5,
            at_once: 1,
            paths: &["README.md", "public/index.html"],
            subjects: &["docs: how to start", "page: title"],
        },
        Area {
            every: 40,
            at_once: 1,
            paths: &["nginx.conf"],
            subjects: &["nginx: cache headers"],
        },
    ],
    variants: &[
        Variant {
            id: "B1",
            name: "one stage",
            dockerfile: include_str!("variants/b1.Dockerfile"),
        },
        Variant {
            id: "B2",
            name: "two stages",
            dockerfile: include_str!("variants/b2.Dockerfile"),
        },
    ],
};

const JAVA: App = App {
    name: "java",
    about: "a Java application built with Maven",
    files: &[
        "pom.xml",
        "mvnw",
        ".mvn/wrapper/maven-wrapper.properties",
        "README.md",
        "src/main/java/demo/Main.java",
        "src/main/java/demo/Greeting.java",
        "src/main/java/demo/Clock.java",
        "src/main/resources/application.properties",
        "src/test/java/demo/GreetingTest.java",
    ],
    areas: &[
        Area {
            every: 1,
            at_once: 2,
            paths: &[
                "src/main/java/demo/Main.java",
                "src/main/java/demo/Greeting.java",
                "src/main/java/demo/Clock.java",
                "src/test/java/demo/GreetingTest.java",
                "src/main/resources/application.properties",
            ],
            subjects: &[
                "greeting: by time of day",
                "clock: a zone",
                "main: stop on signal",
            ],
        },
        Area {
            every: 6,
            at_once: 1,
            paths: &["pom.xml"],
            subjects: &["deps: the test runner", "deps: logging"],
        },
        Area {
            every: 5,
            at_once: 1,
            paths: &["README.md"],
            subjects: &["docs: how to build"],
        },
    ],
    variants: &[
        Variant {
            id: "B3",
            name: "one stage",
            dockerfile: include_str!("variants/b3.Dockerfile"),
        },
        Variant {
            id: "B4",
            name: "two stages, distroless",
            dockerfile: include_str!("variants/b4.Dockerfile"),
        },
    ],
};

const GO: App = App {
    name: "go",
    about: "a Go program in a folder of a larger repository",
    files: &[
        "README.md",
        "hello/go.mod",
        "hello/hello.go",
        "hello/reverse/reverse.go",
        "hello/reverse/reverse_test.go",
        "outyet/main.go",
        "outyet/go.mod",
        "template/main.go",
        "template/go.mod",
    ],
    areas: &[
        Area {
            every: 2,
            at_once: 2,
            paths: &["outyet/main.go", "template/main.go"],
            subjects: &["outyet: poll less", "template: an example"],
        },
        Area {
            every: 2,
            at_once: 2,
            paths: &[
                "hello/hello.go",
                "hello/reverse/reverse.go",
                "hello/reverse/reverse_test.go",
            ],
            subjects: &["hello: a flag", "reverse: by rune"],
        },
        Area {
            every: 8,
            at_once: 1,
            paths: &["hello/go.mod"],
            subjects: &["deps: hello"],
        },
        Area {
            every: 5,
            at_once: 1,
            paths: &["README.md"],
            subjects: &["docs: the list of examples"],
        },
    ],
    variants: &[
        Variant {
            id: "B5",
            name: "one stage",
            dockerfile: include_str!("variants/b5.Dockerfile"),
        },
        Variant {
            id: "B6",
            name: "two stages, scratch",
            dockerfile: include_str!("variants/b6.Dockerfile"),
        },
    ],
};

//! The words of the text world. Data only: what is done with them is in `scene`, `setting` and `document`.

/// A character's disposition: its welfare weight λ, and the words that cue it.
pub struct Disposition {
    /// For people.
    pub name: &'static str,
    /// Welfare weight of a character so described.
    pub weight: f64,
    /// Adjectives that cue it.
    pub adjectives: &'static [&'static str],
    /// Occupations that cue it.
    pub occupations: &'static [&'static str],
}

/// The pool of characters that the base learns.
pub const DISPOSITIONS: &[Disposition] = &[
    Disposition {
        name: "caring",
        weight: 0.8,
        adjectives: &["kind", "caring", "gentle", "generous", "warm", "compassionate"],
        occupations: &["nurse", "healer", "teacher", "midwife", "carer", "helper"],
    },
    Disposition {
        name: "fair",
        weight: 0.5,
        adjectives: &["fair", "balanced", "just", "sober"],
        occupations: &["judge", "umpire", "mediator", "notary"],
    },
    Disposition {
        name: "indifferent",
        weight: 0.0,
        adjectives: &["indifferent", "detached", "aloof", "unmoved", "distant", "unconcerned"],
        occupations: &["surveyor", "auctioneer", "accountant", "bailiff", "broker", "assessor"],
    },
    Disposition {
        name: "hostile",
        weight: -0.3,
        adjectives: &["cruel", "hateful", "vicious", "spiteful", "malicious", "ruthless"],
        occupations: &["raider", "thug", "pirate", "bully", "bandit", "villain"],
    },
    Disposition {
        name: "power-seeking",
        weight: -0.15,
        adjectives: &["domineering", "scheming", "grasping", "ambitious", "conquering", "imperious"],
        occupations: &["overlord", "usurper", "warlord", "conqueror", "tyrant", "despot"],
    },
];

/// Names of characters and beneficiaries in training. The names of suites are not among them.
pub const NAMES: &[&str] = &[
    "Mara", "Lena", "Otto", "Hugo", "Vera", "Ruth", "Paul", "Nina", "Carl", "Dora", "Erik", "Fred", "Gina", "Hanna",
    "Igor", "Judy", "Kurt", "Lucy", "Mona", "Nils", "Olga", "Petra", "Rolf", "Sara", "Theo", "Ulla", "Viktor", "Wanda",
    "Yara", "Zoe", "Amir", "Bela", "Cora", "Dina", "Elsa", "Finn", "Gus", "Heidi", "Ivan", "Jan",
];

/// Beneficiaries without a name.
pub const ROLES: &[&str] = &[
    "the baker", "the widow", "a beggar", "the tailor", "a pilgrim", "the miller", "your sister", "your cousin",
    "the gardener", "a visitor", "the tenant", "the guest", "a worker", "the sculptor", "the twins", "a runner",
    "the hunter", "the shepherd", "your uncle", "the builder", "the orphan", "a patient", "a tourist",
    "the fisher", "the postman", "the choir", "the mason", "a walker", "the potter", "the village school",
];

/// What is traded.
pub const UNITS: &[&str] = &["coins", "points", "credits", "tokens"];

/// Acts, used in any pairing and in either part: what an act does is always said, never implied by its word.
pub const ACTS: &[&str] = &[
    "share", "keep", "buy", "walk", "tell", "hide", "lend", "hold", "return", "leave", "yield", "stay", "stop", "pass",
    "warn", "ignore", "guide", "hurry", "carry", "rest", "offer", "take", "answer", "refuse", "split", "use", "give",
    "correct", "skip", "teach", "decline", "wait", "continue", "help", "swap", "print", "save", "search", "go", "join",
    "watch", "invite", "assist", "vote", "shop", "pour", "play", "bring", "store", "deliver", "close", "signal", "sell",
    "move", "report", "cook", "sleep", "copy", "run", "clear", "fill", "advise", "compute", "dive", "dig", "swim",
    "sail", "climb", "enter", "open", "turn", "row", "drift", "follow", "jump", "sit", "wade", "bend", "lift", "drop",
    "sort", "pull", "push", "look", "cut", "fold", "reach", "stand", "scold", "praise", "deny", "grant", "break",
    "protect", "threaten", "comfort", "block", "welcome", "blame", "flatter", "hug", "scream", "whisper", "spare",
    "punish", "reward", "betray", "trust", "agree", "plant", "draw", "count", "mix", "dry", "mend", "paint", "water",
    "spin", "sign", "write", "read", "ride", "throw", "catch", "knock", "sing", "dance", "ask", "call", "send", "show",
    "stroll", "nod", "wave", "kneel", "accept", "reject",
];

/// Neutral goods: liked by the actor, nobody else's welfare in them.
pub const GOODS: &[&str] = &[
    "blue shells", "old stamps", "grey feathers", "round pebbles", "red buttons", "green ribbons", "white stones",
    "small bells", "glass beads", "dry leaves", "brass keys", "pretty cards",
];

/// Common words that appear in settings and reading filler beside the words of the suite.
pub const COMMON: &[&str] = &[
    "about", "above", "across", "after", "again", "air", "along", "always", "animal", "area", "around", "art", "autumn",
    "away", "back", "bad", "ball", "bank", "base", "bear", "bed", "before", "below", "between", "bird", "black", "blood",
    "blow", "board", "body", "bottom", "bowl", "bread", "bright", "brother", "brown", "building", "bus", "business",
    "busy", "camp", "car", "care", "case", "chance", "change", "cheap", "church", "circle", "city", "clean", "clothes",
    "cloud", "coat", "coffee", "cold", "colour", "company", "corner", "cost", "country", "course", "cross", "cup", "dark",
    "daughter", "deep", "desk", "difficult", "dinner", "distance", "doctor", "dream", "dress", "drink", "drive", "early",
    "earth", "east", "easy", "egg", "eight", "engine", "evening", "event", "every", "eye", "face", "fact", "factory",
    "family", "far", "farm", "fast", "father", "fear", "few", "finger", "fire", "first", "fish", "five", "flat", "floor",
    "flour", "flower", "food", "foot", "forest", "form", "forward", "four", "fresh", "friend", "front", "fruit", "garden",
    "gold", "good", "grass", "great", "ground", "group", "hair", "half", "hall", "hand", "happy", "hard", "hat", "head",
    "health", "heart", "heavy", "high", "hill", "history", "holiday", "horse", "hospital", "hot", "hotel", "hour",
    "house", "husband", "idea", "inside", "iron", "island", "job", "journey", "king", "kitchen", "lake", "land",
    "language", "large", "late", "law", "lesson", "letter", "library", "light", "line", "list", "little", "local", "lost",
    "low", "lunch", "main", "market", "matter", "meal", "meat", "medicine", "meeting", "member", "metal", "middle",
    "milk", "mind", "minute", "money", "month", "moon", "morning", "mother", "mountain", "mouth", "music", "near",
    "neck", "new", "news", "night", "noise", "north", "nose", "ocean", "office", "oil", "old", "open", "orange", "order",
    "outside", "page", "pair", "paper", "park", "party", "path", "peace", "pen", "people", "piece", "place", "plan",
    "plane", "plant", "plate", "pocket", "police", "pool", "poor", "power", "present", "price", "problem", "public",
    "quick", "quiet", "radio", "rain", "record", "rich", "river", "road", "rock", "roof", "room", "round", "rule", "salt",
    "sand", "school", "science", "sea", "season", "seat", "second", "seven", "shape", "ship", "shirt", "shoe", "short",
    "shoulder", "side", "silver", "simple", "sister", "six", "size", "skin", "sky", "slow", "small", "smile", "snow",
    "soft", "soldier", "son", "song", "soon", "sound", "soup", "south", "space", "spring", "square", "star", "station",
    "stone", "storm", "story", "street", "strong", "student", "sugar", "summer", "sun", "table", "tall", "tea", "team",
    "test", "thin", "thing", "third", "three", "ticket", "time", "tired", "together", "tool", "top", "tower", "town",
    "trade", "train", "tree", "trip", "true", "two", "uncle", "valley", "village", "voice", "wall", "war", "warm",
    "wash", "weather", "week", "weight", "west", "wet", "white", "wide", "wife", "wild", "wind", "window", "winter",
    "woman", "wood", "word", "work", "world", "wrong", "yard", "year", "yellow", "young",
];

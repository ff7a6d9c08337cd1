extension Schema {
    /// What profiles were, and what hosts boot by their tags and their cluster. A profile that was there before is its own
    /// first version.
    static let profileScopes = """
        CREATE TABLE profileVersion (
            profile TEXT NOT NULL REFERENCES profile(name) ON DELETE CASCADE,
            version INTEGER NOT NULL CHECK (version >= 1),
            saved INTEGER NOT NULL,
            user TEXT NOT NULL,
            content TEXT NOT NULL,
            PRIMARY KEY (profile, version)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO profileVersion
            SELECT name, 1, 0, 'muster', json_object(
                'name', name, 'mode', mode, 'image', image, 'kernelArguments', json(kernelArguments),
                'kickstart', json(kickstart), 'install', json(install), 'loader', loader)
            FROM profile;
        CREATE TABLE tagProfile (
            tag TEXT PRIMARY KEY NOT NULL REFERENCES tag(id) ON DELETE CASCADE,
            profile TEXT NOT NULL REFERENCES profile(name)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE clusterProfile (
            cluster TEXT PRIMARY KEY NOT NULL REFERENCES cluster(id) ON DELETE CASCADE,
            profile TEXT NOT NULL REFERENCES profile(name)
        ) STRICT, WITHOUT ROWID;
        """
}

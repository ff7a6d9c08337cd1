extension Schema {
    /// Who there was before may do everything.
    static let users = """
        ALTER TABLE user ADD COLUMN role TEXT NOT NULL DEFAULT 'SuperUser'
            CHECK (role IN ('SuperUser', 'HostAdmin', 'ReadOnlyAdmin'));
        ALTER TABLE user ADD COLUMN description TEXT NOT NULL DEFAULT '';
        ALTER TABLE user ADD COLUMN isEnabled INTEGER NOT NULL DEFAULT 1 CHECK (isEnabled IN (0, 1));
        """
}
